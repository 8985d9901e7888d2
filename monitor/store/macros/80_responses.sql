-- Who answered whom, and when: the company, its competitors. In threads only (replies, quotes).

-- One row an event: the first post of the company that replies to or quotes the author of the
-- competitor's top reaction after that reaction, or else anybody's reaction. `censored_seconds`:
-- how long there has been none. The company's continuation of its own thread is no response.
create or replace macro base.company_responses(chosen, as_of) as table
with reactions as materialized (
    select event_id, post_key, author, created_at, rank
    from base.ranked_reactions(chosen, as_of)
),

roles as materialized (
    from base.roles_of_posts(chosen, as_of)
),

others as (
    select r.*
    from reactions as r
    anti join roles as o
        on o.event_id = r.event_id and o.post_key = r.post_key and o.role = 'own'
),

provoked as (
    select o.event_id, o.post_key, o.author, o.created_at
    from others as o
    semi join roles as c
        on c.event_id = o.event_id and c.post_key = o.post_key and c.role = 'competitor'
    qualify row_number() over (partition by o.event_id order by o.rank) = 1
),

-- What an answer may be given to, and since when it is late.
addressed as (
    select o.event_id, o.post_key, p.created_at as since
    from others as o
    join provoked as p
        on p.event_id = o.event_id and (p.author = o.author or p.post_key = o.post_key)
    union all
    select o.event_id, o.post_key, o.created_at as since
    from others as o
    where o.event_id not in (select event_id from provoked)
),

own_accounts as (
    select w.event_id, a.account
    from base.windows(chosen) as w
    join base.accounts as a using (company_id)
    union
    select w.event_id, a.account
    from base.windows(chosen) as w
    join actor_roles as r on r.company_id = w.company_id and r.role = 'own'
    join base.accounts as a using (actor_id)
),

pointing as (
    select
        post_key, unnest([reply_to_key, quoted_key]) as to_key, created_at,
        [author_id, lower(author_id), network || ':' || ltrim(lower(author_handle), '@')] as names
    from base.posts
    where
        (
            reply_to_key in (select post_key from addressed)
            or quoted_key in (select post_key from addressed)
        )
        and base.is_known(first_seen_at, source_id, created_at, as_of)
),

answers as (
    select a.event_id, epoch(p.created_at) - epoch(a.since) as seconds, p.created_at
    from pointing as p
    join addressed as a on a.post_key = p.to_key
    join own_accounts as o on o.event_id = a.event_id and list_contains(p.names, o.account)
    where p.created_at > a.since
),

firsts as (
    select event_id, min_by(seconds, (created_at, seconds)) as seconds
    from answers
    group by all
),

waiting as (
    select event_id, min(since) as since
    from addressed
    group by all
)

select
    w.event_id, f.seconds as response_seconds,
    case
        when f.seconds is null
            then greatest(epoch(base.data_as_of(as_of)) - epoch(w.since), 0)
    end as censored_seconds
from waiting as w
left join firsts as f using (event_id);
