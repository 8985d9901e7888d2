-- Streams of companies around their events, and before: what a baseline is learned from.
create or replace macro base.streams_over(chosen, bucket, tz, as_of, earlier) as table
select
    o.event_id, o.bucket_start, o.observed_ratio, coalesce(s.stream_posts, 0) as stream_posts
from base.observed(chosen, bucket, tz, as_of, earlier := earlier) as o
left join base.stream_counts(chosen, bucket, tz, as_of, earlier := earlier) as s
    on s.event_id = o.event_id and s.bucket_start = o.bucket_start
where not o.is_future;

-- The same posts by the hours since the announcement, also where that was at no full hour.
create or replace macro base.stream_hours(chosen, as_of, earlier) as table
select
    event_id, floor((epoch_us(created_at) - epoch_us(announced_at)) / 3.6e9)::bigint as hour,
    count(*) as stream_posts
from base.stream_posts(chosen, as_of, earlier := earlier)
group by all;
