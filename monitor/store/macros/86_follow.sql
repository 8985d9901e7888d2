-- What an event is followed by: one row a source, with what it has shown and since when it looks.
create or replace macro base.followed(chosen) as table
with polled as (
    select
        source_id,
        arg_max(outcome, poll_id) as outcome,
        arg_max(error, poll_id) as error,
        min(coalesce(observed_from, started_at)) filter (outcome in ('ok', 'unchanged')) as since
    from base.polls
    group by all
),

shown as (
    select source_id, count(*) as posts
    from base.sightings
    group by all
)

select
    s.source_id, s.network, s.kind, s.origin, s.target, array_to_string(s.queries, ', ') as queries,
    s.state, s.created_at, p.outcome, p.error, p.since, coalesce(n.posts, 0) as posts
from base.event_sources as x
join base.sources as s using (source_id)
left join polled as p on p.source_id = s.source_id
left join shown as n on n.source_id = s.source_id
where list_contains(chosen, x.event_id) and s.state in ('active', 'unavailable')
order by s.state, s.network, s.kind, s.target;
