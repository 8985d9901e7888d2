-- What all series stand on: the moment of knowledge, buckets, and the posts of events.
-- `chosen` is a list of event ids, so that several events share one pass over the tables.
-- No parameter bears a column's name: it would compare the column with itself.

-- A moment as TIMESTAMP in UTC, from text with a zone, TIMESTAMP or TIMESTAMPTZ.
create or replace macro base.moment(as_of) as
coalesce(timezone('UTC', cast(as_of as timestamptz)), timestamp '9999-12-31 00:00:00');

-- Did the store know a post? An imported one was known when it was created, whenever it came in.
create or replace macro base.is_known(seen_at, shown_by, born, as_of) as
seen_at <= base.moment(as_of) or (shown_by = 'import' and born <= base.moment(as_of));

-- The end of a gap, if the store knew it: a poll may learn that an earlier one was the last to fail.
create or replace macro base.known_end(ended, learned, as_of) as
case when greatest(ended, learned) <= base.moment(as_of) then ended end;

-- The length of a bucket, from an interval or text such as '15m', '1h', '1d'.
create or replace macro base.seconds(bucket) as
case
    when epoch(cast(bucket as interval)) >= 1 then epoch(cast(bucket as interval))
    else error('a bucket must be at least 1 second long, such as ''15m'', ''1h'' or ''1d''')
end;

-- Counters grow about linearly in this age.
create or replace macro base.log_age(born, moment) as
ln(1 + greatest(epoch_us(moment) - epoch_us(born), 0) / 1.8e9);

-- Until when the store knows anything: the end of the latest committed poll. An import's span
-- was known while it passed.
create or replace macro base.data_as_of(as_of) as (
    select
        max(case
            when source_id = 'import' then least(started_at, base.moment(as_of))
            else coalesce(finished_at, started_at)
        end)
    from base.polls
    where
        (source_id = 'import' and coalesce(observed_from, started_at) <= base.moment(as_of))
        or (source_id <> 'import' and recorded_at <= base.moment(as_of))
);

-- Local time as UTC; of two moments that a clock shows alike, the first.
create or replace macro base.from_local(shown, zone_name) as
case
    when
        timezone(zone_name, timezone(
            'UTC', timezone('UTC', timezone(zone_name, shown)) - interval 1 hour
        )) = shown
        then timezone('UTC', timezone(zone_name, shown)) - interval 1 hour
    else timezone('UTC', timezone(zone_name, shown))
end;

-- `earlier`: how much before it is looked at as well.
create or replace macro base.windows(chosen, earlier := interval 0 second) as table
select
    event_id, company_id, announced_at,
    announced_at - coalesce(window_before, interval 14 days) - earlier as window_start,
    announced_at + coalesce(window_after, interval 14 days) as window_end
from events
where list_contains(chosen, event_id);

-- Which clock buckets follow: UTC, and for days (and multiples) that of `tz`.
create or replace macro base.clock(bucket, tz) as table
with lengths as (
    select base.seconds(bucket) as length
)

select
    length, length % 86400 = 0 and coalesce(tz, 'UTC') <> 'UTC' as is_local,
    coalesce(tz, 'UTC') as zone
from lengths;

-- The number of the bucket that holds a moment. Equal numbers join faster than ranges.
create or replace macro base.step_of(moment, step_seconds, by_zone, zone_name) as
floor(
    epoch_us(case when by_zone then timezone(zone_name, timezone('UTC', moment)) else moment end)
    / (1e6 * step_seconds)
)::bigint;

-- The buckets that windows of events touch, all whole, on the clock of UTC; days (and multiples)
-- begin at midnight in `tz`, so that they have 23 or 25 hours where clocks change.
create or replace macro base.buckets(
    chosen, bucket, tz, earlier := interval 0 second
) as table
with numbered as (
    select
        w.event_id, w.announced_at, w.window_start, w.window_end, c.length, c.is_local, c.zone,
        unnest(generate_series(
            base.step_of(w.window_start, c.length, c.is_local, c.zone),
            base.step_of(w.window_end, c.length, c.is_local, c.zone)
        )) as step
    from base.windows(chosen, earlier := earlier) as w
    cross join base.clock(bucket, tz) as c
),

edges as (
    select
        *,
        make_timestamp((step * length * 1e6)::bigint) as starts,
        make_timestamp(((step + 1) * length * 1e6)::bigint) as ends
    from numbered
),

placed as (
    select
        event_id, announced_at, window_start, window_end, step,
        case when is_local then base.from_local(starts, zone) else starts end as bucket_start,
        case when is_local then base.from_local(ends, zone) else ends end as bucket_end
    from edges
)

select
    event_id, announced_at, window_start, window_end, step, bucket_start, bucket_end,
    bucket_start < window_start or bucket_end > window_end as is_edge
from placed
where bucket_end > window_start and bucket_start < window_end and bucket_end > bucket_start;

-- Announcements and reactions of events as known at `as_of`, without what was excluded.
-- `gone_at`: the moment since which it is known to be deleted. `author`: the best name there is.
create or replace macro base.event_posts(chosen, as_of) as table
with related as (
    select event_id, post_key, relation, depth
    from base.reactions
    where
        list_contains(chosen, event_id)
        and recorded_at <= base.moment(as_of)
        and coalesce(superseded_at, timestamp 'infinity') > base.moment(as_of)
),

excluded as (
    select distinct event_id, post_key
    from base.exclusions
    where
        list_contains(chosen, event_id)
        and recorded_at <= base.moment(as_of)
        and coalesce(superseded_at, timestamp 'infinity') > base.moment(as_of)
),

-- Of posts that are deleted and whose author has no other name.
named as (
    select v.post_key, max_by(v.author_name, v.version) as author_name
    from base.versions as v
    join base.posts as p using (post_key)
    where
        p.deleted_at is not null and p.author_id is null and p.author_handle is null
        and p.state <> 'erased' and v.author_name is not null
        and v.recorded_at <= base.moment(as_of)
    group by all
),

-- Of posts that changed since; of none where nothing is asked of an earlier moment.
spoken as (
    select
        v.post_key, max_by(v.language, v.version) as language,
        max_by(v.language_confidence, v.version) as language_confidence
    from base.versions as v
    join base.posts as p using (post_key)
    where
        p.recorded_at > base.moment(as_of) and v.recorded_at <= base.moment(as_of)
        and v.language is not null and p.language_engine is not null
    group by all
)

select
    r.event_id, r.post_key, r.relation, r.depth, p.post_id, p.network, p.created_at,
    case when p.deleted_at <= base.moment(as_of) then p.deleted_at end as gone_at,
    coalesce(
        p.author_id, p.network || ':' || ltrim(lower(p.author_handle), '@'),
        p.network || ':' || coalesce(
            p.author_name,
            -- Deletion takes the name; as of a moment before, it was known.
            case when p.deleted_at > base.moment(as_of) then n.author_name end
        )
    ) as author,
    p.author_id, p.author_handle, p.author_followers, p.state,
    coalesce(l.language, p.language) as language,
    case when l.language is not null then l.language_confidence else p.language_confidence end
        as language_confidence
from related as r
join base.posts as p using (post_key)
left join named as n on n.post_key = r.post_key
left join spoken as l on l.post_key = r.post_key
anti join excluded as x on x.event_id = r.event_id and x.post_key = r.post_key
where base.is_known(p.first_seen_at, p.source_id, p.created_at, as_of);
