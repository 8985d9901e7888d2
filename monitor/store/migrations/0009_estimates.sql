-- How long before an announcement the news had leaked.
alter table events add column baseline_guard interval;
-- The languages in which people speak of an event; none for all.
alter table events add column languages varchar[];
-- What `monitor.analyse` estimated last, for those who ask in SQL.
create table estimates (
    event_id varchar, estimate varchar, starts_at timestamp, ends_at timestamp, value double,
    low double, high double, p_value double, level double, method varchar, n bigint,
    n_eff double, flag varchar, data_as_of timestamp
);
