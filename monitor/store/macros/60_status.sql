-- One row a source: is it alive, how late does it see posts, what went wrong last.
--
-- A source of a stream (no thread: those end) is judged by its own habit. It is silent when its
-- newest post is more than twice as old as the longest of the pauses between its last 50 posts, and
-- an hour at least. Nothing is said (NULL) with fewer than 11 posts, or before it has posted while it
-- was watched: what ended earlier is no news. Were pauses exchangeable, the
-- present one would be the longest of n + 1 with a chance of 1 / (n + 1), and twice as long as the
-- longest before it more rarely still.
-- `now()` is UTC here: every session of ours sets its zone.

create or replace view source_status as
with polled as (
    select
        source_id,
        max(started_at) filter (outcome in ('ok', 'unchanged')) as last_success_at,
        arg_max(outcome, poll_id) as last_outcome,
        max(finished_at) filter (outcome in ('error', 'throttled')) as last_error_at,
        arg_max(error, poll_id) filter (outcome in ('error', 'throttled')) as last_error,
        count(*) filter (started_at > now()::timestamp - interval 1 day) as polls_24h,
        count(*) filter (
            outcome in ('error', 'throttled') and started_at > now()::timestamp - interval 1 day
        ) as errors_24h
    from base.polls
    group by all
),

newest as (
    select s.source_id, max(p.created_at) as newest_post_at
    from base.sightings as s
    join base.posts as p using (post_key)
    group by all
),

latest as (
    select s.source_id, p.created_at
    from base.sightings as s
    join base.posts as p using (post_key)
    join base.sources as o on o.source_id = s.source_id
    where o.kind in ('feed', 'account', 'search', 'site')
    qualify row_number() over (partition by s.source_id order by p.created_at desc) <= 50
),

pauses as (
    select
        source_id,
        epoch(created_at - lag(created_at) over (partition by source_id order by created_at))
            as seconds
    from latest
),

habits as (
    select source_id, max(seconds) as longest_pause_seconds
    from pauses
    group by all
    having count(seconds) >= 10
),

-- How long after they were written new posts were seen; what is older than the source itself was
-- fetched later on purpose.
delays as (
    select
        p.source_id,
        median(epoch(p.first_seen_at) - epoch(p.created_at)) as lag_seconds
    from base.posts as p
    join base.sources as s on s.source_id = p.source_id and p.created_at >= s.created_at
    where p.first_seen_at > now()::timestamp - interval 1 day and p.clock <> 'first_seen'
    group by all
),

holes as (
    select source_id, count(*) as open_gaps
    from base.gaps
    where ended_at is null
    group by all
)

select
    s.source_id, s.network, s.state, p.last_outcome, p.last_success_at,
    epoch(now()::timestamp) - epoch(n.newest_post_at) as newest_post_age_seconds,
    b.longest_pause_seconds,
    case when b.longest_pause_seconds is not null and n.newest_post_at > s.created_at then
        newest_post_age_seconds > greatest(2 * b.longest_pause_seconds, 3600)
    end as is_silent,
    d.lag_seconds,
    s.next_at,
    case when p.last_outcome = 'throttled' then s.next_at end as throttled_until,
    coalesce(h.open_gaps, 0) as open_gaps,
    coalesce(p.polls_24h, 0) as polls_24h,
    coalesce(p.errors_24h, 0) as errors_24h,
    p.last_error_at, p.last_error,
    s.interval_seconds, s.created_at, s.target
from base.sources as s
left join polled as p on p.source_id = s.source_id
left join newest as n on n.source_id = s.source_id
left join habits as b on b.source_id = s.source_id
left join delays as d on d.source_id = s.source_id
left join holes as h on h.source_id = s.source_id
where s.state <> 'archived'
order by s.source_id;

-- What `monitor events` shows.
create or replace macro base.events_then(as_of) as table
with counted as (
    select event_id, count(*) as posts
    from base.event_posts((select list(event_id) from events), as_of)
    where relation <> 'announcement'
    group by all
),

announced as (
    select event_id, count(*) as announcements
    from announcements
    where recorded_at <= base.moment(as_of)
    group by all
)

select
    e.event_id, e.company_id, e.kind, e.title, e.announced_at, e.window_before, e.window_after,
    e.amount, e.valuation, e.currency, e.origin, e.state,
    coalesce(a.announcements, 0) as announcements, coalesce(c.posts, 0) as posts
from events as e
left join announced as a using (event_id)
left join counted as c using (event_id)
order by e.announced_at desc, e.event_id;

create or replace view event_list as
from base.events_then(null);
