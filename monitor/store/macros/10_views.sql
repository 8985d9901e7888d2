-- The tables of the contract, as known now, over the facts in `base`.

create or replace view posts as
select
    post_id, network, url, author_id, author_handle, author_name, author_followers, title, text,
    created_at, claimed_at, clock, first_seen_at, edited_at, deleted_at, state,
    reply_to_id, root_id, quoted_id, language, language_confidence, source_id, recorded_at
from base.posts;

create or replace view post_versions as
select
    p.post_id, v.version, v.recorded_at, v.author_name, v.author_followers, v.title, v.text,
    v.edited_at, v.state
from base.versions as v
join base.posts as p using (post_key);

create or replace view sightings as
select p.post_id, s.source_id, s.first_at, s.last_at
from base.sightings as s
join base.posts as p using (post_key);

create or replace view announcements as
select event_id, post_id, url, network, recorded_at
from base.announcements
where superseded_at is null
union all by name
select s.event_id, p.post_id, p.url, p.network, s.recorded_at
from base.stated as s
join base.posts as p using (post_key)
anti join base.announcements as a
    on a.event_id = s.event_id and a.post_key = s.post_key and a.superseded_at is null
where s.relation = 'announcement';

create or replace view sources as
select
    source_id, network, target, origin, state, interval_seconds, next_at, kind, companies, events,
    created_at
from base.sources;

create or replace view polls as
select
    poll_id, source_id, started_at, finished_at, outcome, http_status, requests, bytes,
    posts_seen, posts_new, error, observed_from, folded, recorded_at
from base.polls;

create or replace view company_mentions as
select m.company_id, p.post_id, m.recorded_at
from base.mentions as m
join base.posts as p using (post_key)
where m.superseded_at is null;

create or replace view reactions as
with excluded as (
    select event_id, post_key, max(excluded_by) as excluded_by
    from base.exclusions
    where superseded_at is null
    group by all
),

actors_of_posts as (
    select p.post_key, min(a.actor_id) as actor_id
    from base.posts as p
    join base.accounts as a
        on a.account in (p.author_id, lower(p.author_id))
        or a.account = p.network || ':' || ltrim(lower(p.author_handle), '@')
    where a.actor_id is not null
    group by all
)

select
    r.event_id, p.post_id, r.relation, r.depth, a.actor_id,
    epoch(p.created_at) - epoch(e.announced_at) as lag_seconds,
    x.excluded_by, r.recorded_at
from base.reactions as r
join base.posts as p using (post_key)
join events as e on e.event_id = r.event_id
left join excluded as x on x.event_id = r.event_id and x.post_key = r.post_key
left join actors_of_posts as a on a.post_key = r.post_key
where r.superseded_at is null;

create or replace view engagement as
select
    p.post_id, e.source_id, e.observed_at, e.likes, e.reposts, e.replies, e.quotes, e.views,
    e.recorded_at
from base.engagement as e
join base.posts as p using (post_key);

create or replace view claims as
select p.post_id, c.source_id, c.observed_at, c.claimed, c.scope, c.recorded_at
from base.claims as c
join base.posts as p using (post_key);

-- The latest score of each post and model. What the models gave announcements, reposts and a
-- company's own accounts does not count (an actor may be one company's own and another's rival); an
-- imported score stands wherever it was put. Deletion and erasure take the mood with the text.
create or replace view sentiment as
with own as (
    select a.account, a.company_id
    from base.accounts as a
    where a.company_id is not null
    union
    select a.account, r.company_id
    from base.accounts as a
    join actor_roles as r using (actor_id)
    where r.role = 'own'
),

own_posts as (
    select distinct p.post_key, o.company_id
    from base.posts as p
    join own as o
        on o.account in (p.author_id, lower(p.author_id))
        or o.account = p.network || ':' || ltrim(lower(p.author_handle), '@')
),

foreign_posts as (
    select m.post_key
    from base.mentions as m
    anti join own_posts as o on o.post_key = m.post_key and o.company_id = m.company_id
    where m.superseded_at is null
),

unscored as (
    select post_key
    from base.reactions
    where superseded_at is null and relation in ('announcement', 'repost')
    union
    select o.post_key
    from own_posts as o
    anti join foreign_posts as f on f.post_key = o.post_key
),

latest as (
    select *
    from base.sentiment
    qualify row_number() over (
        partition by post_key, model order by recorded_at desc, scored_at desc
    ) = 1
)

select
    p.post_id, s.model, s.score, s.label, s.positive, s.neutral, s.negative, s.scored_at,
    s.recorded_at
from latest as s
join base.posts as p using (post_key)
where
    p.state not in ('deleted', 'erased')
    and (s.model = 'import' or s.post_key not in (from unscored));

create or replace view citations as
select p.post_id, press.post_id as press_post_id, c.how, c.recorded_at
from base.citations as c
join base.posts as p using (post_key)
join base.posts as press on press.post_key = c.press_post_key;

create or replace view labels as
select l.event_id, p.post_id, l.label, l.relevant, l.labelled_by, l.labelled_at, l.recorded_at
from base.labels as l
join base.posts as p using (post_key);

-- Which sources an event looks through, and since when each of them observes.
create or replace view base.event_sources as
with shown as (
    select distinct r.event_id, s.source_id
    from base.reactions as r
    join base.sightings as s using (post_key)
    where r.superseded_at is null
),

following as (
    select e.event_id, s.source_id
    from events as e
    join base.sources as s
        on list_contains(s.events, e.event_id)
        or (len(s.events) = 0 and list_contains(s.companies, e.company_id))
)

select f.event_id, f.source_id from following as f
union
select h.event_id, h.source_id
from shown as h
join base.sources as s using (source_id)
where s.origin in ('config', 'import');

-- Holes. What a source showed before it was first polled is `not_yet_watched`, per event; of one
-- that could not be asked then either, the reason is `access`. Before a thread began, there was
-- nothing to show.
create or replace view gaps as
with watched as (
    select source_id, min(coalesce(observed_from, started_at)) as since
    from base.polls
    where outcome in ('ok', 'unchanged')
    group by all
),

not_yet_watched as (
    select
        -(hash(x.event_id, x.source_id) % 9007199254740992)::bigint as gap_id,
        x.source_id, x.event_id,
        if(s.state = 'unavailable', 'access', 'not_yet_watched') as reason,
        greatest(e.announced_at - e.window_before, root.created_at) as started_at,
        least(coalesce(w.since, s.created_at), e.announced_at + e.window_after) as ended_at
    from base.event_sources as x
    join events as e using (event_id)
    join base.sources as s on s.source_id = x.source_id
    left join watched as w on w.source_id = x.source_id
    left join base.ids as i on i.post_id = s.root_id
    left join base.posts as root on root.post_key = i.post_key
)

select
    g.gap_id, g.source_id, g.event_id, i.post_id, g.concerns, g.started_at, g.ended_at,
    g.reason, g.missing, g.filled_at, g.recorded_at
from base.gaps as g
left join base.ids as i on i.post_key = g.post_key and not i.is_alias
union all by name
select
    gap_id, source_id, event_id, null::varchar as post_id, 'posts' as concerns, started_at,
    ended_at, reason, null::bigint as missing, null::timestamp as filled_at,
    null::timestamp as recorded_at
from not_yet_watched
where ended_at > started_at;

create or replace view open_gaps as
select * from gaps
where ended_at is null;
