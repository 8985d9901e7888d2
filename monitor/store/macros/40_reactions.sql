-- Counts of posts per bucket. Whether a count may be shown is decided by what was observed.

-- Which relations the networks of events can show at all. A relation that nobody can give and
-- that nothing has is NULL, not 0. Networks that we do not know may give anything.
create or replace macro base.observable(chosen, as_of) as table
with networks as (
    select event_id, network
    from base.source_weights(chosen, as_of)
    where state is distinct from 'unavailable'
    union
    select event_id, network
    from base.event_posts(chosen, as_of)
),

able as (
    select
        event_id,
        bool_or(network not in (
            'bluesky', 'feed', 'wordpress', 'isso', 'hackernews', 'reddit', 'discourse', 'youtube'
        )) as reposts,
        bool_or(network not in (
            'feed', 'wordpress', 'isso', 'hackernews', 'reddit', 'discourse', 'youtube'
        )) as quotes,
        bool_or(network not in (
            'bluesky', 'mastodon', 'ap', 'isso', 'hackernews', 'reddit', 'discourse', 'x'
        )) as press
    from networks
    group by all
),

there as (
    select
        event_id, bool_or(relation = 'repost') as reposts, bool_or(relation = 'quote') as quotes,
        bool_or(relation = 'press') as press
    from base.event_posts(chosen, as_of)
    group by all
)

select
    a.event_id, a.reposts or coalesce(t.reposts, false) as reposts,
    a.quotes or coalesce(t.quotes, false) as quotes, a.press or coalesce(t.press, false) as press
from able as a
left join there as t using (event_id);

-- `posts` = reactions without announcements; a post without any name of an author adds none.
create or replace macro base.reaction_counts(chosen, bucket, tz, as_of) as table
-- Materialised, or the planner joins every post with every bucket.
with placed as materialized (
    select
        p.event_id, p.created_at, p.author, p.relation,
        base.step_of(p.created_at, c.length, c.is_local, c.zone) as step
    from base.event_posts(chosen, as_of) as p
    cross join base.clock(bucket, tz) as c
    where p.relation <> 'announcement'
)

select
    b.event_id, b.bucket_start, count(*) as posts, count(distinct p.author) as authors,
    count(*) filter (where p.relation = 'reply') as replies,
    count(*) filter (where p.relation = 'quote') as quotes,
    count(*) filter (where p.relation = 'repost') as reposts,
    count(*) filter (where p.relation = 'link') as links,
    count(*) filter (where p.relation = 'press') as press,
    count(*) filter (where p.relation = 'mention') as mentions
from placed as p
join base.buckets(chosen, bucket, tz) as b on b.event_id = p.event_id and b.step = p.step
where p.created_at >= b.window_start and p.created_at < b.window_end
group by all;

-- The company's stream in the event's window, without what was excluded from the event.
create or replace macro base.stream_posts(
    chosen, as_of, earlier := interval 0 second
) as table
with windows as (
    from base.windows(chosen, earlier := earlier)
),

excluded as (
    select event_id, post_key
    from base.exclusions
    where
        list_contains(chosen, event_id)
        and recorded_at <= base.moment(as_of)
        and coalesce(superseded_at, timestamp 'infinity') > base.moment(as_of)
)

select distinct w.event_id, w.announced_at, m.post_key, p.created_at
from windows as w
join base.mentions as m using (company_id)
join base.posts as p
    on p.post_key = m.post_key
    and p.created_at >= w.window_start and p.created_at < w.window_end
anti join excluded as x on x.event_id = w.event_id and x.post_key = m.post_key
where
    m.recorded_at <= base.moment(as_of)
    and coalesce(m.superseded_at, timestamp 'infinity') > base.moment(as_of)
    and base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of);

create or replace macro base.stream_counts(
    chosen, bucket, tz, as_of, earlier := interval 0 second
) as table
with placed as materialized (
    select s.event_id, base.step_of(s.created_at, c.length, c.is_local, c.zone) as step
    from base.stream_posts(chosen, as_of, earlier := earlier) as s
    cross join base.clock(bucket, tz) as c
)

select b.event_id, b.bucket_start, count(*) as stream_posts
from placed as s
join base.buckets(chosen, bucket, tz, earlier := earlier) as b
    on b.event_id = s.event_id and b.step = s.step
group by all;

-- One row a bucket. Counts are NULL where nothing was observed, 0 where it was and none came.
create or replace macro base.reactions_over(chosen, bucket, tz, as_of) as table
with counted as (
    select
        o.event_id, o.bucket_start, o.announced_at, o.is_edge, o.observed_ratio, o.is_future,
        not o.is_future and o.observed_ratio > 0 as is_observed,
        n.reposts as can_reposts, n.quotes as can_quotes, n.press as can_press,
        coalesce(c.posts, 0) as posts, coalesce(c.authors, 0) as authors,
        coalesce(c.replies, 0) as replies, coalesce(c.quotes, 0) as quotes,
        coalesce(c.reposts, 0) as reposts, coalesce(c.links, 0) as links,
        coalesce(c.press, 0) as press, coalesce(c.mentions, 0) as mentions,
        coalesce(s.stream_posts, 0) as stream_posts
    from base.observed(chosen, bucket, tz, as_of) as o
    left join base.observable(chosen, as_of) as n using (event_id)
    left join base.reaction_counts(chosen, bucket, tz, as_of) as c
        on c.event_id = o.event_id and c.bucket_start = o.bucket_start
    left join base.stream_counts(chosen, bucket, tz, as_of) as s
        on s.event_id = o.event_id and s.bucket_start = o.bucket_start
),

hidden as (
    select
        *,
        concat_ws('+',
            case when not can_quotes then 'quotes' end,
            case when not can_reposts then 'reposts' end,
            case when not can_press then 'press' end
        ) as unobservable
    from counted
)

select
    event_id, bucket_start as bucket_start_utc,
    (epoch(bucket_start) - epoch(announced_at)) / 3600 as hours_since_announcement,
    case when not is_future then observed_ratio end as observed_ratio,
    case when is_observed then posts end as posts,
    case when is_observed then authors end as authors,
    case when is_observed then replies end as replies,
    case when is_observed and can_quotes then quotes end as quotes,
    case when is_observed and can_reposts then reposts end as reposts,
    case when is_observed then links end as links,
    case when is_observed and can_press then press end as press,
    case when is_observed then mentions end as mentions,
    case when is_observed then stream_posts end as stream_posts,
    is_observed,
    nullif(concat_ws(' ',
        base.seen_how(is_future, observed_ratio, is_edge),
        case when is_observed and unobservable <> '' then 'not_observable:' || unobservable end
    ), '') as flag
from hidden;

create or replace macro reaction_series(event, bucket, as_of := null) as table
select * exclude (is_observed)
from base.reactions_over([event], bucket, 'UTC', as_of)
order by bucket_start_utc;

-- Distinct posts that name a company, among those that name any; a post that names two counts
-- for both. Without what was excluded from one of the company's events.
create or replace macro share_of_voice(bucket, as_of := null) as table
with lengths as (
    select base.seconds(bucket) * 1e6 as length
),

excluded as (
    select e.company_id, x.post_key
    from base.exclusions as x
    join events as e using (event_id)
    where
        x.recorded_at <= base.moment(as_of)
        and coalesce(x.superseded_at, timestamp 'infinity') > base.moment(as_of)
),

voices as (
    select distinct
        m.company_id, m.post_key, l.length,
        floor(epoch_us(p.created_at) / l.length)::bigint as step
    from base.mentions as m
    join base.posts as p using (post_key)
    cross join lengths as l
    anti join excluded as x on x.company_id = m.company_id and x.post_key = m.post_key
    where
        m.recorded_at <= base.moment(as_of)
        and coalesce(m.superseded_at, timestamp 'infinity') > base.moment(as_of)
        and base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of)
),

totals as (
    select step, make_timestamp((step * length)::bigint) as bucket_start,
        count(distinct post_key) as total
    from voices
    group by all
),

named as (
    select step, company_id, count(*) as posts
    from voices
    group by all
),

watched as (
    select company_id from companies
    union
    select company_id from voices
)

select
    t.bucket_start as bucket_start_utc, w.company_id, coalesce(n.posts, 0) as posts,
    coalesce(n.posts, 0) / t.total as share,
    null::double as share_low, null::double as share_high
from totals as t
cross join watched as w
left join named as n on n.step = t.step and n.company_id = w.company_id
order by bucket_start_utc, company_id;
