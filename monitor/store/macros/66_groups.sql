-- Counts of an event's posts per bucket and group: what `monitor series --by` shows.

-- `dimension` is network, language, relation, actor or company. Posts without a value are the group
-- NULL. Every group of an event has a row in every bucket, so that a hole is no zero. A post that
-- names two companies counts for both.
create or replace macro base.grouped_over(chosen, dimension, bucket, tz, as_of) as table
with acting as (
    select distinct p.post_key, a.actor_id
    from base.posts as p
    join base.accounts as a
        on a.account in (p.author_id, lower(p.author_id))
        or a.account = p.network || ':' || ltrim(lower(p.author_handle), '@')
    where dimension = 'actor' and a.actor_id is not null
),

naming as (
    select distinct post_key, company_id
    from base.mentions
    where
        dimension = 'company'
        and recorded_at <= base.moment(as_of)
        and coalesce(superseded_at, timestamp 'infinity') > base.moment(as_of)
),

grouped as materialized (
    select
        p.event_id, p.post_key, p.created_at, p.relation, p.author,
        case dimension
            when 'network' then p.network
            when 'language' then p.language
            when 'relation' then p.relation
            when 'actor' then a.actor_id
            when 'company' then n.company_id
            else error('group by network, language, relation, actor or company')
        end as value
    from base.event_posts(chosen, as_of) as p
    left join acting as a using (post_key)
    left join naming as n using (post_key)
    where p.relation <> 'announcement'
),

named_groups as (
    select distinct event_id, value
    from grouped
),

counted as (
    select
        b.event_id, b.bucket_start, g.value,
        count(*) as posts, count(distinct g.author) as authors,
        count(s.score) as scored, avg(s.score) as mean
    from base.buckets(chosen, bucket, tz) as b
    join grouped as g
        on g.event_id = b.event_id
        and g.created_at >= greatest(b.bucket_start, b.window_start)
        and g.created_at < least(b.bucket_end, b.window_end)
    left join base.event_scores(chosen, as_of) as s
        on s.event_id = g.event_id and s.post_key = g.post_key
    group by all
)

select
    r.event_id, r.bucket_start_utc, r.hours_since_announcement, r.observed_ratio,
    g.value,
    case when r.is_observed then coalesce(c.posts, 0) end as posts,
    case when r.is_observed then coalesce(c.authors, 0) end as authors,
    case when r.is_observed then coalesce(c.scored, 0) end as sentiment_n,
    case when r.is_observed then round(c.mean, 12) end as sentiment_mean,
    nullif(split_part(coalesce(r.flag, ''), ' not_observable', 1), '') as flag
from base.reactions_over(chosen, bucket, tz, as_of) as r
join named_groups as g on g.event_id = r.event_id
left join counted as c
    on c.event_id = r.event_id and c.bucket_start = r.bucket_start_utc
    and c.value is not distinct from g.value;
