-- Streams of companies around their events, and before: what a baseline is learned from.
create or replace macro base.streams_over(chosen, bucket, tz, as_of, earlier) as table
select
    o.event_id, o.bucket_start, o.observed_ratio, coalesce(s.stream_posts, 0) as stream_posts
from base.observed(chosen, bucket, tz, as_of, earlier := earlier) as o
left join base.stream_counts(chosen, bucket, tz, as_of, earlier := earlier) as s
    on s.event_id = o.event_id and s.bucket_start = o.bucket_start
where not o.is_future;
