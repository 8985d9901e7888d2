-- The reactions that went furthest, and what an actor said: with roles and lags.

-- The `n` reactions with most engagement of each event. `role`: what the author is to its company.
create or replace macro base.top_over(chosen, n, as_of) as table
with roles as (
    select event_id, post_key, case when bool_or(role = 'own') then 'own' else min(role) end as role
    from base.roles_of_posts(chosen, as_of)
    group by all
)

select
    r.event_id, r.rank, r.post_id, p.url, p.author_handle, r.relation, o.role,
    r.created_at as created_at_utc, r.likes, r.reposts, r.replies, r.quotes, r.views,
    r.engagement_total, s.score as sentiment,
    base.text_then(p.post_key, p.state, p.text, p.recorded_at, as_of) as text
from base.ranked_reactions(chosen, as_of) as r
join base.posts as p using (post_key)
left join roles as o on o.event_id = r.event_id and o.post_key = r.post_key
left join base.event_scores(chosen, as_of) as s
    on s.event_id = r.event_id and s.post_key = r.post_key
where r.rank <= n;

create or replace macro top_reactions(event, n, as_of := null) as table
select * exclude (event_id)
from base.top_over([event], n, as_of)
order by rank;

-- What an actor said of watched companies, before and after their events: a row a post, company
-- and event of which it is a reaction (none: it is only in the company's stream).
create or replace macro actor_posts(who, as_of := null) as table
with own as (
    select account
    from base.accounts
    where actor_id = who
),

said as (
    select *
    from base.posts
    where
        (
            author_id in (from own) or lower(author_id) in (from own)
            or network || ':' || ltrim(lower(author_handle), '@') in (from own)
        )
        and base.is_known(first_seen_at, source_id, created_at, as_of)
),

about as (
    select company_id, post_key
    from base.mentions
    where
        post_key in (select post_key from said)
        and recorded_at <= base.moment(as_of)
        and coalesce(superseded_at, timestamp 'infinity') > base.moment(as_of)
),

reacting as (
    select r.event_id, r.post_key, r.relation, e.company_id, e.announced_at
    from base.reactions as r
    join events as e using (event_id)
    where
        r.post_key in (select post_key from said)
        and r.recorded_at <= base.moment(as_of)
        and coalesce(r.superseded_at, timestamp 'infinity') > base.moment(as_of)
),

counters as (
    from base.last_counters((select list(post_key) from said), as_of)
)

select
    p.created_at as created_at_utc, p.network, p.post_id, p.url, p.author_handle, a.company_id,
    o.role, r.event_id, r.relation, epoch(p.created_at) - epoch(r.announced_at) as lag_seconds,
    c.likes, c.reposts, c.replies, c.quotes, c.views,
    base.text_then(p.post_key, p.state, p.text, p.recorded_at, as_of) as text
from said as p
join about as a using (post_key)
left join actor_roles as o on o.actor_id = who and o.company_id = a.company_id
left join reacting as r on r.post_key = p.post_key and r.company_id = a.company_id
left join counters as c on c.post_key = p.post_key
order by created_at_utc, p.post_id, a.company_id, r.event_id;
