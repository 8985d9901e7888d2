-- Who the authors of posts are to the company of an event.

-- Posts of events that the company itself (`own`) or an actor in another role wrote.
create or replace macro base.roles_of_posts(chosen, as_of) as table
with roles as (
    select w.event_id, a.account, 'own' as role
    from base.windows(chosen) as w
    join base.accounts as a using (company_id)
    union
    select w.event_id, a.account, r.role
    from base.windows(chosen) as w
    join actor_roles as r using (company_id)
    join base.accounts as a using (actor_id)
),

names as (
    select
        event_id, post_key,
        unnest([
            author_id, lower(author_id), network || ':' || ltrim(lower(author_handle), '@')
        ]) as account
    from base.event_posts(chosen, as_of)
)

select distinct n.event_id, n.post_key, r.role
from names as n
join roles as r on r.event_id = n.event_id and r.account = n.account;
