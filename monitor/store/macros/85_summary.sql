-- One row an event with every key of `monitor summary`. What needs statistics is NULL here, with
-- the flag `not_computed`.

-- A JSON object of pairs, in their order.
create or replace macro base.json_of(pairs) as
json('{' || array_to_string(
    list_transform(pairs, lambda pair: to_json(pair.k)::varchar || ':' || to_json(pair.v)::varchar),
    ','
) || '}');

-- Counts of an event's reactions by a name, as a JSON object, the largest first.
create or replace macro base.tallies(chosen, as_of) as table
with named as (
    select p.event_id, d.kind, coalesce(d.name, 'unknown') as name, count(*) as posts
    from base.event_posts(chosen, as_of) as p
    cross join lateral (
        select unnest(['language', 'network']) as kind, unnest([p.language, p.network]) as name
    ) as d
    where p.relation <> 'announcement'
    group by all
)

select
    event_id,
    base.json_of(list({'k': name, 'v': posts} order by posts desc, name) filter (
        where kind = 'language'
    )) as languages,
    base.json_of(list({'k': name, 'v': posts} order by posts desc, name) filter (
        where kind = 'network'
    )) as networks
from named
group by all;

-- Shares of voice in [t0, t0 + window_after) of each event, as a JSON object by company.
create or replace macro base.voices_of_events(chosen, as_of) as table
with voices as (
    select distinct w.event_id, m.company_id, m.post_key
    from base.windows(chosen) as w
    join base.posts as p
        on p.created_at >= w.announced_at and p.created_at < w.window_end
    join base.mentions as m using (post_key)
    left join base.exclusions as x
        on x.event_id = w.event_id and w.company_id = m.company_id and x.post_key = m.post_key
        and x.recorded_at <= base.moment(as_of)
        and coalesce(x.superseded_at, timestamp 'infinity') > base.moment(as_of)
    where
        x.post_key is null
        and m.recorded_at <= base.moment(as_of)
        and coalesce(m.superseded_at, timestamp 'infinity') > base.moment(as_of)
        and base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of)
),

totals as (
    select event_id, count(distinct post_key) as total
    from voices
    group by all
),

shares as (
    select v.event_id, v.company_id, round(count(*) / any_value(t.total), 12) as share
    from voices as v
    join totals as t using (event_id)
    group by all
)

select
    event_id,
    base.json_of(list({'k': company_id, 'v': share} order by share desc, company_id)) as shares
from shares
group by all;

-- Networks of an event of which no source was ever read with success.
create or replace macro base.unobserved_networks(chosen, as_of) as table
with read as (
    select distinct source_id
    from base.polls
    where
        outcome in ('ok', 'unchanged')
        and (recorded_at <= base.moment(as_of) or source_id = 'import')
),

networks as (
    select w.event_id, w.network, bool_or(r.source_id is not null) as is_read
    from base.source_weights(chosen, as_of) as w
    left join read as r using (source_id)
    group by all
)

select event_id, list(network order by network) as networks
from networks
where not is_read
group by all;

create or replace macro base.authors_of_events(chosen, as_of) as table
with followers as (
    select event_id, author, max_by(author_followers, (created_at, post_id)) as followers
    from base.event_posts(chosen, as_of)
    where relation <> 'announcement' and author is not null and author_followers is not null
    group by all
),

authors as (
    select event_id, author
    from base.event_posts(chosen, as_of)
    where relation <> 'announcement' and author is not null
    group by all
)

select
    a.event_id, count(*) as authors, sum(f.followers)::bigint as followers,
    count(f.followers) / count(*) as known
from authors as a
left join followers as f on f.event_id = a.event_id and f.author = a.author
group by all;

create or replace macro base.summaries(chosen, as_of) as table
with windows as materialized (
    select *, base.data_as_of(as_of) as data_as_of
    from base.windows(chosen)
),

posts as materialized (
    from base.event_posts(chosen, as_of)
),

counts as (
    select
        w.event_id,
        count(p.post_key) filter (where p.relation <> 'announcement') as posts,
        count(p.post_key) filter (where p.relation = 'reply') as replies,
        min(epoch(p.created_at) - epoch(w.announced_at)) filter (
            where p.relation <> 'announcement' and p.created_at >= w.announced_at
        ) as first_reaction
    from windows as w
    left join posts as p using (event_id)
    group by all
),

hours as (
    select p.event_id, date_trunc('hour', p.created_at) as hour, count(*) as posts
    from posts as p
    join windows as w
        on w.event_id = p.event_id
        and p.created_at >= w.window_start and p.created_at < w.window_end
    where p.relation <> 'announcement'
    group by all
),

peaks as (
    select event_id, hour
    from hours
    qualify row_number() over (partition by event_id order by posts desc, hour) = 1
),

views as (
    select p.event_id, max(c.views) as views
    from posts as p
    join base.last_counters((select list(distinct post_key) from posts), as_of) as c
        using (post_key)
    group by all
),

nodes as (
    select distinct event_id, post_id, claimed, collected
    from base.coverage_over(chosen, as_of)
),

covered as (
    select event_id, sum(least(collected, claimed)) / nullif(sum(claimed), 0) as ratio
    from nodes
    group by all
),

rivals as (
    select
        p.event_id, min(epoch(p.created_at) - epoch(w.announced_at)) as seconds
    from posts as p
    join windows as w using (event_id)
    semi join base.roles_of_posts(chosen, as_of) as r
        on r.event_id = p.event_id and r.post_key = p.post_key and r.role = 'competitor'
    where p.relation <> 'announcement' and p.created_at >= w.announced_at
    group by all
),

tops as (
    select
        t.event_id,
        json_object(
            'post_id', t.post_id, 'url', q.url, 'author_handle', q.author_handle,
            'relation', t.relation,
            'created_at_utc', strftime(t.created_at, '%Y-%m-%dT%H:%M:%SZ'),
            'likes', t.likes, 'reposts', t.reposts, 'replies', t.replies, 'quotes', t.quotes,
            'views', t.views, 'engagement_total', t.engagement_total
        ) as reaction
    from base.ranked_reactions(chosen, as_of) as t
    join base.posts as q using (post_key)
    where t.rank = 1
)

select
    w.event_id, w.announced_at as announced_at_utc, w.data_as_of as data_as_of_utc,
    -- Before the first poll nothing is known, not even that there is nothing.
    case when w.data_as_of is not null or c.posts > 0 then c.posts end as posts,
    case when w.data_as_of is not null or c.posts > 0 then coalesce(a.authors, 0) end as authors,
    case when w.data_as_of is not null or c.posts > 0 then c.replies end as replies,
    v.ratio as coverage_ratio, coalesce(u.networks, []::varchar[]) as networks_not_observed,
    least(24, epoch(w.window_end - w.announced_at) / 3600) as abnormal_window_hours,
    g.value as abnormal_total, g.low as abnormal_low, g.high as abnormal_high,
    g.p_value as abnormal_p_value,
    case when g.event_id is null then 'not_computed' else g.flag end as abnormal_flag,
    k.hour as peak_bucket_utc, h.value as half_life_hours,
    case when h.event_id is null then 'not_computed' else h.flag end as half_life_flag,
    null::varchar as sentiment_model, null::double as sentiment_before,
    null::double as sentiment_after, null::double as sentiment_shift,
    null::double as sentiment_shift_low, null::double as sentiment_shift_high,
    null::double as sentiment_shift_p_value, 'not_computed' as sentiment_flag,
    s.views as views_max,
    case when w.data_as_of is not null or c.posts > 0 then coalesce(a.authors, 0) end
        as reach_authors,
    a.followers as reach_followers, a.known as reach_followers_known,
    c.first_reaction as first_reaction_seconds,
    x.response_seconds as company_first_response_seconds,
    x.censored_seconds as company_response_censored_seconds,
    r.seconds as first_competitor_response_seconds,
    coalesce(o.shares, json('{}')) as share_of_voice,
    coalesce(n.languages, json('{}')) as languages, coalesce(n.networks, json('{}')) as networks,
    t.reaction as top_reaction
from windows as w
join counts as c on c.event_id = w.event_id
left join base.authors_of_events(chosen, as_of) as a on a.event_id = w.event_id
left join covered as v on v.event_id = w.event_id
left join base.unobserved_networks(chosen, as_of) as u on u.event_id = w.event_id
left join peaks as k on k.event_id = w.event_id
-- As of another moment estimates are computed anew, by `monitor summary`.
left join estimates as g
    on g.event_id = w.event_id and g.estimate = 'abnormal_posts'
    and g.starts_at = w.announced_at and as_of is null
left join estimates as h
    on h.event_id = w.event_id and h.estimate = 'half_life_hours' and as_of is null
left join views as s on s.event_id = w.event_id
left join base.company_responses(chosen, as_of) as x on x.event_id = w.event_id
left join rivals as r on r.event_id = w.event_id
left join base.voices_of_events(chosen, as_of) as o on o.event_id = w.event_id
left join base.tallies(chosen, as_of) as n on n.event_id = w.event_id
left join tops as t on t.event_id = w.event_id;

create or replace macro event_summary(event, as_of := null) as table
from base.summaries([event], as_of);

create or replace view event_summaries as
from base.summaries((select list(event_id) from events), null)
order by announced_at_utc, event_id;
