-- Collected against claimed, per post whose network says how many replies there are.

-- Since when the network serves a post no more; infinity: it does.
create or replace macro base.gone_at(shown_as, gone_since) as coalesce(
    gone_since, if(shown_as = 'deleted', timestamp '-infinity', timestamp 'infinity')
);

-- The latest claim of each post: its `direct` answers, or its whole `tree`. A claim about a tree
-- replaces those of the posts in it, so that nothing counts twice. What is missing is split by the
-- reasons that collectors gave; what they did not explain is `unexplained`.
create or replace macro base.coverage_over(chosen, as_of) as table
with recursive members as materialized (
    select event_id, post_key, post_id
    from base.event_posts(chosen, as_of)
),

-- The network's claim does not count what it deleted. Of a post that is gone itself the last claim
-- stands: it counts what was there then.
claims as materialized (
    select
        c.post_key, c.scope, c.claimed,
        if(
            base.gone_at(p.state, p.deleted_at) <= base.moment(as_of),
            c.observed_at, base.moment(as_of)
        ) as counted_at
    from base.claims as c
    left join base.posts as p using (post_key)
    where
        c.post_key in (select post_key from members)
        and c.recorded_at <= base.moment(as_of)
    qualify row_number() over (
        partition by c.post_key, c.scope order by c.observed_at desc, c.claimed desc
    ) = 1
),

answers as materialized (
    select
        post_key, reply_to_key as parent_key, base.gone_at(state, deleted_at) as gone_at
    from base.posts
    where
        reply_to_key in (select post_key from members)
        and base.is_known(first_seen_at, source_id, created_at, as_of)
),

-- Replies to what nobody shows us: only their root says whose tree they are in.
strays as materialized (
    select
        p.root_key as top_key, p.post_key, base.gone_at(p.state, p.deleted_at) as gone_at
    from base.posts as p
    anti join base.posts as parent on parent.post_key = p.reply_to_key
    where
        p.root_key in (select post_key from claims where scope = 'tree')
        and p.post_key <> p.root_key
        and base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of)
),

below as (
    select post_key as top_key, post_key, timestamp 'infinity' as gone_at
    from claims
    where scope = 'tree'
    union
    from strays
    union
    select b.top_key, a.post_key, a.gone_at
    from below as b
    join answers as a on a.parent_key = b.post_key
    where a.post_key <> b.top_key
),

-- One row a claim that counts and a post that it spans; the claim's own post among them.
spanned as (
    select
        c.post_key, c.scope, c.claimed, b.post_key as member_key,
        b.gone_at > c.counted_at as is_live
    from claims as c
    join below as b on b.top_key = c.post_key
    where
        c.scope = 'tree'
        and c.post_key not in (select post_key from below where post_key <> top_key)
    union all
    select c.post_key, c.scope, c.claimed, c.post_key as member_key, true as is_live
    from claims as c
    where c.scope = 'direct' and c.post_key not in (select post_key from below)
    union all
    select
        c.post_key, c.scope, c.claimed, a.post_key as member_key,
        a.gone_at > c.counted_at as is_live
    from claims as c
    join answers as a on a.parent_key = c.post_key
    where
        c.scope = 'direct' and c.post_key not in (select post_key from below)
        and a.post_key <> c.post_key
),

collections as (
    select
        post_key, scope, claimed,
        count(*) filter (where is_live and member_key <> post_key) as collected
    from spanned
    group by all
),

nodes as (
    select *, greatest(claimed - collected, 0) as missing
    from collections
),

-- Two sources may state the same hole. What is missing of quotes explains no missing answer.
holes as (
    select post_key, reason, max(missing) as missing, bool_or(missing is null) as is_open_ended
    from base.gaps
    where
        post_key in (select member_key from spanned) and concerns = 'tree'
        and recorded_at <= base.moment(as_of)
        and base.known_end(ended_at, end_recorded_at, as_of) is null
        and coalesce(filled_at, timestamp 'infinity') > base.moment(as_of)
    group by all
),

stated as (
    select
        n.post_key, h.reason, n.missing as missing_in_all, coalesce(sum(h.missing), 0) as missing,
        bool_or(h.is_open_ended) as is_open_ended
    from nodes as n
    join spanned as s on s.post_key = n.post_key
    join holes as h
        on h.post_key = s.member_key and (s.scope = 'tree' or s.member_key = s.post_key)
    where n.missing > 0
    group by all
),

-- Reasons share what is missing in the order of their names, and never more than that.
granted as (
    select
        post_key, reason, is_open_ended,
        greatest(least(missing, missing_in_all - coalesce(sum(missing) over (
            partition by post_key order by reason
            rows between unbounded preceding and 1 preceding
        ), 0)), 0) as missing
    from stated
),

-- The rest belongs to the one reason that could give no number, if there is one.
rests as (
    select
        n.post_key,
        case
            when count(*) filter (where g.is_open_ended) = 1
                then max(g.reason) filter (where g.is_open_ended)
            else 'unexplained'
        end as reason,
        n.missing - coalesce(sum(g.missing), 0) as missing
    from nodes as n
    left join granted as g on g.post_key = n.post_key
    where n.missing > 0
    group by n.post_key, n.missing
),

reasons as (
    select post_key, reason, sum(missing) as missing
    from (
        select post_key, reason, missing from granted
        union all
        select post_key, reason, missing from rests
    )
    where missing > 0
    group by all
)

select
    m.event_id, m.post_id, n.claimed, n.collected, coalesce(r.missing, 0)::bigint as missing,
    r.reason
from nodes as n
join members as m on m.post_key = n.post_key
left join reasons as r on r.post_key = n.post_key;

-- One row a post and reason; a post that is fully collected has one row, missing 0, no reason.
-- `claimed` and `collected` are the post's and stand in each of its rows.
create or replace macro coverage(event, as_of := null) as table
select post_id, claimed, collected, missing, reason
from base.coverage_over([event], as_of)
order by missing desc, post_id, reason;
