-- Reply trees, the reactions that went furthest, and how much of the trees was collected.

-- A post and everything below it, depth first, siblings by time. `path` leads from the post down.
create or replace macro reply_tree(post, as_of := null) as table
with recursive wanted as (
    select post_key from base.posts where post_id = post
    union
    select post_key from base.ids where post_id = post
),

tree as (
    select
        p.post_key, p.post_id, null::varchar as parent_id, 0 as depth, [p.post_id] as path,
        [(p.created_at, p.post_id)] as place
    from base.posts as p
    join wanted as w using (post_key)
    where base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of)
    union all
    select
        p.post_key, p.post_id, t.post_id as parent_id, t.depth + 1 as depth,
        list_append(t.path, p.post_id) as path,
        list_append(t.place, (p.created_at, p.post_id)) as place
    from tree as t
    join base.posts as p on p.reply_to_key = t.post_key
    where
        base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of)
        -- Two posts may claim to answer each other.
        and not list_contains(t.path, p.post_id)
)

select
    t.post_id, t.parent_id, t.depth, t.path, p.author_id, p.author_handle, p.author_name,
    p.created_at as created_at_utc, p.state, p.language, p.url,
    base.text_then(p.post_key, p.state, p.text, p.recorded_at, as_of) as text
from tree as t
join base.posts as p using (post_key)
order by t.place;

-- What events' posts showed last: the highest last value of any source, per counter.
create or replace macro base.last_counters(posts_wanted, as_of) as table
with per_source as (
    select
        post_key, source_id,
        max_by(likes, observed_at) filter (where likes is not null) as likes,
        max_by(reposts, observed_at) filter (where reposts is not null) as reposts,
        max_by(replies, observed_at) filter (where replies is not null) as replies,
        max_by(quotes, observed_at) filter (where quotes is not null) as quotes,
        max_by(views, observed_at) filter (where views is not null) as views
    from base.engagement
    where
        post_key in (select unnest(posts_wanted)) and observed_at <= base.moment(as_of)
    group by all
)

select
    post_key, max(likes) as likes, max(reposts) as reposts, max(replies) as replies,
    max(quotes) as quotes, max(views) as views
from per_source
group by all;

-- Reactions of events by engagement, without announcements. Unknown counters add nothing to the
-- total; it is NULL where all are unknown, and ranks like 0.
create or replace macro base.ranked_reactions(chosen, as_of) as table
with reacting as materialized (
    select *
    from base.event_posts(chosen, as_of)
    where relation <> 'announcement'
),

totals as (
    select
        r.event_id, r.post_key, r.post_id, r.relation, r.author, r.created_at,
        r.likes, r.reposts, r.replies, r.quotes, r.views,
        case
            when coalesce(r.likes, r.reposts, r.replies, r.quotes) is not null then
                coalesce(r.likes, 0) + coalesce(r.reposts, 0) + coalesce(r.replies, 0)
                + coalesce(r.quotes, 0)
        end as engagement_total
    from (
        from reacting
        left join base.last_counters(
            (select list(distinct post_key) from reacting), as_of
        ) using (post_key)
    ) as r
)

select
    row_number() over (
        partition by event_id
        order by coalesce(engagement_total, 0) desc, views desc nulls last, created_at, post_id
    ) as rank,
    *
from totals;
