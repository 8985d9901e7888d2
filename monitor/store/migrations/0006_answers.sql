-- What sources answered, by poll, for as long as the configuration says: compressed, see
-- monitor/collect/kept.py.

create table base.answers (
    poll_id bigint, source_id varchar, started_at timestamp, finished_at timestamp,
    answers blob, recorded_at timestamp
);
