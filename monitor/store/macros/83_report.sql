-- What a report lists beside the series: posts of events with all that is known of them, and the
-- counters of those that went furthest.

-- Every announcement and reaction that counts, one row an event and post.
create or replace macro base.posts_over(chosen, as_of) as table
with posts as materialized (
    from base.event_posts(chosen, as_of)
),

roles as (
    select event_id, post_key, case when bool_or(role = 'own') then 'own' else min(role) end as role
    from base.roles_of_posts(chosen, as_of)
    group by all
),

counters as (
    from base.last_counters((select list(distinct post_key) from posts), as_of)
)

select
    e.event_id, e.post_id, e.network, p.url, e.author_id, e.author_handle, o.role, e.relation,
    e.depth, e.created_at as created_at_utc, p.clock, p.first_seen_at as first_seen_at_utc,
    epoch(e.created_at) - epoch(w.announced_at) as lag_seconds,
    e.gone_at as deleted_at_utc, p.reply_to_id, p.quoted_id,
    e.language, e.language_confidence, s.model as sentiment_model, s.score as sentiment,
    c.likes, c.reposts, c.replies, c.quotes, c.views, p.source_id,
    case when p.state <> 'erased' then p.title end as title,
    base.text_then(p.post_key, p.state, p.text, p.recorded_at, as_of) as text
from posts as e
join base.posts as p using (post_key)
join base.windows(chosen) as w on w.event_id = e.event_id
left join roles as o on o.event_id = e.event_id and o.post_key = e.post_key
left join counters as c on c.post_key = e.post_key
left join base.event_scores(chosen, as_of) as s
    on s.event_id = e.event_id and s.post_key = e.post_key;

-- Every reading of the announcements and of the `n` reactions with most engagement.
create or replace macro base.readings_over(chosen, n, as_of) as table
with shown as (
    select event_id, post_key
    from base.event_posts(chosen, as_of)
    where relation = 'announcement'
    union
    select event_id, post_key
    from base.ranked_reactions(chosen, as_of)
    where rank <= n
)

select
    s.event_id, p.post_id, e.source_id, e.observed_at as observed_at_utc, e.likes, e.reposts,
    e.replies, e.quotes, e.views
from shown as s
join base.posts as p using (post_key)
join base.engagement as e on e.post_key = s.post_key
where e.observed_at <= base.moment(as_of);
