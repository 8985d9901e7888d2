-- Increments of counters per bucket: of all posts of an event, and of one post.

-- Sums over announcements and reactions of the window. A bucket counts where a curve is defined
-- (between a post's creation, or its first reading, and its last reading); else NULL.
create or replace macro base.increments(chosen, bucket, tz, as_of) as table
with counted as materialized (
    select p.event_id, p.post_key
    from base.event_posts(chosen, as_of) as p
    join base.windows(chosen) as w using (event_id)
    where
        p.relation = 'announcement'
        or (p.created_at >= w.window_start and p.created_at < w.window_end)
),

segments as materialized (
    select p.event_id, c.*
    from base.curves((select list(distinct post_key) from counted), as_of) as c
    join counted as p using (post_key)
    where c.from_moment is not null and c.to_moment > c.from_moment
),

-- Where any curve of a counter is defined: overlapping spans are joined into one.
spans as (
    select event_id, counter, min(from_moment) as starts, max(to_moment) as ends
    from segments
    group by event_id, counter, post_key
),

fronts as (
    select
        *,
        max(ends) over (
            partition by event_id, counter order by starts, ends
            rows between unbounded preceding and 1 preceding
        ) as front
    from spans
),

islands as (
    select
        event_id, counter, starts, ends,
        -- A filtered count over a running frame is quadratic in DuckDB, a sum is not.
        sum(case when front is null or starts > front then 1 else 0 end) over (
            partition by event_id, counter order by starts, ends
            rows between unbounded preceding and current row
        ) as island
    from fronts
),

covered as (
    select event_id, counter, min(starts) as starts, max(ends) as ends
    from islands
    group by event_id, counter, island
),

defined as (
    select distinct b.event_id, b.bucket_start, c.counter
    from base.buckets(chosen, bucket, tz) as b
    join covered as c
        on c.event_id = b.event_id and c.starts < b.bucket_end and c.ends > b.bucket_start
),

-- By the numbers of the buckets that a segment touches: ranges would be compared pair by pair.
stepped as (
    select
        s.*,
        unnest(generate_series(
            base.step_of(greatest(s.from_moment, w.window_start), k.length, k.is_local, k.zone),
            base.step_of(least(s.to_moment, w.window_end), k.length, k.is_local, k.zone)
        )) as step
    from segments as s
    join base.windows(chosen) as w using (event_id)
    cross join base.clock(bucket, tz) as k
    where s.to_level > s.from_level
),

grown as (
    select
        b.event_id, b.bucket_start, s.counter,
        -- Rounded: in what order rows are added up, nobody says.
        round(fsum(base.growth(
            s.created_at, s.from_moment, s.from_level, s.to_moment, s.to_level,
            b.bucket_start, b.bucket_end
        )), 9) as increment
    from base.buckets(chosen, bucket, tz) as b
    join stepped as s using (event_id, step)
    where s.from_moment < b.bucket_end and s.to_moment > b.bucket_start
    group by all
),

totals as (
    select
        d.event_id, d.bucket_start, d.counter,
        coalesce(g.increment, 0) as increment
    from defined as d
    left join grown as g
        on g.event_id = d.event_id and g.bucket_start = d.bucket_start
        and g.counter = d.counter
)

select
    event_id, bucket_start,
    max(increment) filter (where counter = 'likes') as likes_delta,
    max(increment) filter (where counter = 'reposts') as reposts_delta,
    max(increment) filter (where counter = 'replies') as replies_delta,
    max(increment) filter (where counter = 'quotes') as quotes_delta,
    max(increment) filter (where counter = 'views') as views_delta
from totals
group by all;

-- Which counters have no increment: `no_counters` alone says that none has.
create or replace macro base.without_increment(
    likes_by, reposts_by, replies_by, quotes_by, views_by
) as
case
    when coalesce(likes_by, reposts_by, replies_by, quotes_by, views_by) is null
        then 'no_counters'
    when likes_by + reposts_by + replies_by + quotes_by + views_by is null
        then 'no_counters:' || concat_ws('+',
            case when likes_by is null then 'likes' end,
            case when reposts_by is null then 'reposts' end,
            case when replies_by is null then 'replies' end,
            case when quotes_by is null then 'quotes' end,
            case when views_by is null then 'views' end
        )
end;

create or replace macro base.engagement_over(chosen, bucket, tz, as_of) as table
with known as (
    select
        b.event_id, b.bucket_start, b.is_edge,
        coalesce(b.bucket_start >= base.data_as_of(as_of), true) as is_future
    from base.buckets(chosen, bucket, tz) as b
)

select
    k.event_id, k.bucket_start as bucket_start_utc,
    i.likes_delta, i.reposts_delta, i.replies_delta, i.quotes_delta, i.views_delta,
    case when not k.is_future then c.counters_observed_ratio end as counters_observed_ratio,
    nullif(concat_ws(' ',
        case when k.is_future then 'no_data_yet' when k.is_edge then 'partial' end,
        case when not k.is_future then base.without_increment(
            i.likes_delta, i.reposts_delta, i.replies_delta, i.quotes_delta, i.views_delta
        ) end
    ), '') as flag
from known as k
left join base.increments(chosen, bucket, tz, as_of) as i
    on i.event_id = k.event_id and i.bucket_start = k.bucket_start
left join base.counters_observed(chosen, bucket, tz, as_of) as c
    on c.event_id = k.event_id and c.bucket_start = k.bucket_start;

create or replace macro engagement_series(event, bucket, as_of := null) as table
from base.engagement_over([event], bucket, 'UTC', as_of)
order by bucket_start_utc;

-- The counters of one post: the curve's level at each bucket's end (or at the last reading) and
-- its increment in the bucket. Both are NULL where the curve is not defined.
create or replace macro counter_series(post, bucket, as_of := null) as table
with wanted as (
    select post_key, post_id from base.posts where post_id = post
    union
    select p.post_key, p.post_id
    from base.ids as i
    join base.posts as p using (post_key)
    where i.post_id = post
),

segments as materialized (
    select * replace (coalesce(from_moment, to_moment) as from_moment,
        coalesce(from_level, to_level) as from_level)
    from base.curves((select list(distinct post_key) from wanted), as_of)
),

span as (
    select
        w.post_id, min(s.created_at) as created_at, min(s.from_moment) as starts,
        max(s.to_moment) as ends
    from segments as s
    join wanted as w using (post_key)
    group by all
),

lengths as (
    select base.seconds(bucket) * 1e6 as length
),

steps as (
    select
        post_id, created_at, length,
        unnest(generate_series(
            floor(epoch_us(starts) / length)::bigint,
            -- A single reading on an edge has a bucket too.
            greatest(floor(epoch_us(starts) / length), ceil(epoch_us(ends) / length) - 1)::bigint
        )) as step
    from span
    cross join lengths
),

buckets as (
    select
        post_id, created_at, make_timestamp((step * length)::bigint) as bucket_start,
        make_timestamp(((step + 1) * length)::bigint) as bucket_end
    from steps
),

pieces as (
    select
        b.bucket_start, s.counter, max(s.to_moment) > min(s.from_moment) as is_defined,
        fsum(case
            when s.to_level > s.from_level then base.growth(
                s.created_at, s.from_moment, s.from_level, s.to_moment, s.to_level,
                b.bucket_start, b.bucket_end
            )
            else 0
        end) as increment
    from buckets as b
    join segments as s
        on s.from_moment < b.bucket_end
        and (s.to_moment > b.bucket_start or s.from_moment >= b.bucket_start)
    group by all
),

fallen as (
    select b.bucket_start, s.counter, arg_max(s.to_removed, s.to_moment) as removed
    from buckets as b
    join segments as s on s.to_moment < b.bucket_end
    group by all
),

bases as (
    select counter, min(from_level) as base_level
    from segments
    group by all
),

rising as (
    select
        p.bucket_start, p.counter,
        case when p.is_defined then round(p.increment, 9) end as delta,
        round(b.base_level + sum(p.increment) over (
            partition by p.counter order by p.bucket_start
        ), 9) as level,
        f.removed
    from pieces as p
    join bases as b using (counter)
    left join fallen as f on f.bucket_start = p.bucket_start and f.counter = p.counter
)

select
    b.post_id, b.bucket_start as bucket_start_utc,
    (epoch(b.bucket_start) - epoch(b.created_at)) / 3600 as hours_since_post,
    max(r.level) filter (where r.counter = 'likes') as likes,
    max(r.level) filter (where r.counter = 'reposts') as reposts,
    max(r.level) filter (where r.counter = 'replies') as replies,
    max(r.level) filter (where r.counter = 'quotes') as quotes,
    max(r.level) filter (where r.counter = 'views') as views,
    max(r.delta) filter (where r.counter = 'likes') as likes_delta,
    max(r.delta) filter (where r.counter = 'reposts') as reposts_delta,
    max(r.delta) filter (where r.counter = 'replies') as replies_delta,
    max(r.delta) filter (where r.counter = 'quotes') as quotes_delta,
    max(r.delta) filter (where r.counter = 'views') as views_delta,
    max(r.removed) filter (where r.counter = 'likes') as likes_removed,
    max(r.removed) filter (where r.counter = 'reposts') as reposts_removed,
    max(r.removed) filter (where r.counter = 'replies') as replies_removed,
    max(r.removed) filter (where r.counter = 'quotes') as quotes_removed,
    max(r.removed) filter (where r.counter = 'views') as views_removed
from buckets as b
left join rising as r using (bucket_start)
group by all
order by bucket_start_utc;
