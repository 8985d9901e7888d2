-- Which part of each bucket was observed. Polls say what they saw; a hole is what none saw.

-- The sources of events, each with its share of the events' posts (equal shares if none).
create or replace macro base.source_weights(chosen, as_of) as table
with looking as (
    select x.event_id, x.source_id, s.network, s.state
    from base.event_sources as x
    join base.sources as s using (source_id)
    where
        list_contains(chosen, x.event_id)
        and (s.created_at is null or s.created_at <= base.moment(as_of) or x.source_id = 'import')
),

shown as (
    select p.event_id, s.source_id, count(distinct p.post_key) as posts
    from base.event_posts(chosen, as_of) as p
    join base.sightings as s using (post_key)
    where s.first_at <= base.moment(as_of) or s.source_id = 'import'
    group by all
)

select
    l.event_id, l.source_id, l.network, l.state, coalesce(s.posts, 0) as posts_shown
from looking as l
left join shown as s on s.event_id = l.event_id and s.source_id = l.source_id;

-- When the thread of a source began: before, there was nothing that it could have shown.
create or replace macro base.thread_beginnings(as_of) as table
select s.source_id, p.created_at as begins
from base.sources as s
join base.ids as i on i.post_id = s.root_id
join base.posts as p using (post_key)
where base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of);

-- Seconds of each bucket that each source observed for posts. Overlapping polls count once:
-- a sweep over the ends of all spans, where only ends that do not meet a beginning remain.
create or replace macro base.observed(
    chosen, bucket, tz, as_of, earlier := interval 0 second
) as table
with weights as materialized (
    select
        event_id, source_id,
        case
            when sum(posts_shown) over (partition by event_id) > 0
                then posts_shown / sum(posts_shown) over (partition by event_id)
            else 1 / count(*) over (partition by event_id)
        end as weight
    from base.source_weights(chosen, as_of)
),

spans as (
    select
        source_id, coalesce(observed_from, started_at) as starts,
        least(started_at, base.moment(as_of)) as ends
    from base.polls
    where
        outcome in ('ok', 'unchanged')
        and (recorded_at <= base.moment(as_of) or source_id = 'import')
        and source_id in (select source_id from weights where weight > 0)
    union all
    select source_id, timestamp '1970-01-01' as starts, begins as ends
    from base.thread_beginnings(as_of)
    where source_id in (select source_id from weights where weight > 0)
),

ends as (
    select source_id, unnest([starts, ends]) as moment, unnest([1, -1]) as change
    from spans
    where ends > starts
),

turns as (
    select source_id, moment, sum(change) as change
    from ends
    group by all
    having sum(change) <> 0
),

stretches as (
    select
        source_id, moment as starts,
        lead(moment) over (partition by source_id order by moment) as ends,
        sum(change) over (partition by source_id order by moment) as depth
    from turns
),

seen as (
    select source_id, starts, ends
    from stretches
    where depth > 0
),

shared as (
    select
        b.event_id, b.bucket_start,
        sum(w.weight * epoch(least(s.ends, b.bucket_end) - greatest(s.starts, b.bucket_start)))
            as seconds
    from base.buckets(chosen, bucket, tz, earlier := earlier) as b
    join weights as w on w.event_id = b.event_id
    join seen as s
        on s.source_id = w.source_id and s.starts < b.bucket_end and s.ends > b.bucket_start
    group by all
)

select
    b.event_id, b.bucket_start, b.bucket_end, b.is_edge, b.announced_at,
    -- Rounded, so that weights that should add up to one do.
    least(round(coalesce(o.seconds, 0) / epoch(b.bucket_end - b.bucket_start), 9), 1)
        as observed_ratio,
    coalesce(b.bucket_start >= base.data_as_of(as_of), true) as is_future
from base.buckets(chosen, bucket, tz, earlier := earlier) as b
left join shared as o on o.event_id = b.event_id and o.bucket_start = b.bucket_start;

-- The word for what was observed of a bucket; NULL for all of it.
create or replace macro base.seen_how(beyond, ratio, at_edge) as
case
    when beyond then 'no_data_yet'
    when ratio = 0 then 'not_observed'
    when at_edge or ratio < 0.9 then 'partial'
end;

-- The same for counters: between two successful polls in a row a source that shows counters
-- observed them, except in holes; that a later poll found the posts of a hole brings no counter
-- back. An import observed counters between its first and last reading of them.
create or replace macro base.counters_observed(chosen, bucket, tz, as_of) as table
with showing as (
    select distinct p.event_id, e.source_id
    from base.event_posts(chosen, as_of) as p
    join base.engagement as e using (post_key)
    where e.observed_at <= base.moment(as_of)
),

weights as materialized (
    select
        w.event_id, w.source_id,
        case
            when sum(w.posts_shown) over (partition by w.event_id) > 0
                then w.posts_shown / sum(w.posts_shown) over (partition by w.event_id)
            else 1 / count(*) over (partition by w.event_id)
        end as weight
    from base.source_weights(chosen, as_of) as w
    semi join showing as s on s.event_id = w.event_id and s.source_id = w.source_id
),

looks as (
    select source_id, started_at as moment
    from base.polls
    where
        outcome in ('ok', 'unchanged') and recorded_at <= base.moment(as_of)
        and source_id <> 'import' and source_id in (select source_id from weights)
    union
    select e.source_id, e.observed_at as moment
    from base.event_posts(chosen, as_of) as p
    join base.engagement as e using (post_key)
    where e.source_id = 'import' and e.observed_at <= base.moment(as_of)
),

covers as (
    select source_id, min(moment) as starts, max(moment) as ends, 1 as cover, 0 as hole
    from looks
    group by all
),

holes as (
    select
        source_id, started_at as starts,
        coalesce(base.known_end(ended_at, end_recorded_at, as_of), base.moment(as_of)) as ends,
        0 as cover, 1 as hole
    from base.gaps
    where
        post_key is null and concerns in ('posts', 'counters')
        and reason in ('not_running', 'error', 'throttled', 'budget')
        and recorded_at <= base.moment(as_of)
        and source_id in (select source_id from weights)
),

ends as (
    select
        source_id, unnest([starts, ends]) as moment, unnest([cover, -cover]) as cover,
        unnest([hole, -hole]) as hole
    from (from covers union all from holes)
    where ends > starts
),

turns as (
    select source_id, moment, sum(cover) as cover, sum(hole) as hole
    from ends
    group by all
),

stretches as (
    select
        source_id, moment as starts,
        lead(moment) over (partition by source_id order by moment) as ends,
        sum(cover) over (partition by source_id order by moment) as covers,
        sum(hole) over (partition by source_id order by moment) as holes
    from turns
),

shared as (
    select
        b.event_id, b.bucket_start,
        sum(w.weight * epoch(least(s.ends, b.bucket_end) - greatest(s.starts, b.bucket_start)))
            as seconds
    from base.buckets(chosen, bucket, tz) as b
    join weights as w on w.event_id = b.event_id
    join stretches as s
        on s.source_id = w.source_id and s.starts < b.bucket_end and s.ends > b.bucket_start
    where s.covers > 0 and s.holes = 0
    group by all
)

select
    b.event_id, b.bucket_start,
    least(round(coalesce(o.seconds, 0) / epoch(b.bucket_end - b.bucket_start), 9), 1)
        as counters_observed_ratio
from base.buckets(chosen, bucket, tz) as b
left join shared as o on o.event_id = b.event_id and o.bucket_start = b.bucket_start
where b.event_id in (select event_id from weights);
