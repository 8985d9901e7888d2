-- Counters as curves that never fall, and their increments per bucket.

-- Every number that a source showed of these posts, one row a reading and counter.
-- A source that showed the post again without a change confirms its last reading: rows are
-- written on change only. A deleted post's readings end with it.
create or replace macro base.readings(posts_wanted, as_of) as table
with wanted as (
    select
        post_key, created_at,
        case when deleted_at <= base.moment(as_of) then deleted_at end as gone_at
    from base.posts
    where post_key in (select unnest(posts_wanted))
),

shown as (
    select
        e.post_key, e.source_id, e.observed_at as moment, e.likes, e.reposts, e.replies, e.quotes,
        e.views, w.created_at, w.gone_at
    from base.engagement as e
    join wanted as w using (post_key)
    where
        e.observed_at <= base.moment(as_of)
        and e.observed_at <= coalesce(w.gone_at, e.observed_at)
),

latest as (
    select *
    from shown
    qualify row_number() over (
        partition by post_key, source_id
        order by moment desc, likes desc, reposts desc, replies desc, quotes desc, views desc
    ) = 1
),

-- Of showings only the last is kept, and of those in one hour the first. What a source showed
-- before and after a moment, it showed in between: in its polls of the hour before that moment.
polled as (
    select source_id, min(finished_at) as moment
    from base.polls
    where posts_seen > 0 and finished_at <= base.moment(as_of)
    group by source_id, date_trunc('hour', finished_at)
    qualify row_number() over (partition by source_id order by min(finished_at) desc) = 1
),

last_shown as (
    select
        s.post_key, s.source_id,
        max(case when s.last_at <= base.moment(as_of) then s.last_at else p.moment end) as moment
    from base.sightings as s
    left join polled as p using (source_id)
    where s.post_key in (select post_key from wanted)
    group by all
),

confirmed as (
    select
        l.post_key, l.source_id, s.moment, l.likes, l.reposts, l.replies,
        l.quotes, l.views, l.created_at, l.gone_at
    from latest as l
    join last_shown as s on s.post_key = l.post_key and s.source_id = l.source_id
    where
        s.moment > l.moment and l.source_id <> 'import'
        and s.moment <= coalesce(l.gone_at, s.moment)
),

all_shown as (
    from shown
    union all
    from confirmed
),

tall as (
    unpivot all_shown on likes, reposts, replies, quotes, views into name counter value reading
)

select
    post_key, source_id, counter, gone_at,
    -- A moment after the creation, where the curve begins at 0.
    greatest(moment, created_at + interval 1 microsecond) as moment,
    greatest(max(reading), 0) as reading
from tall
group by all;

-- The curve of each post and counter, as segments: from the source with the highest last value,
-- upward glitches dropped, never falling, anchored at (creation, 0) unless the post was first
-- seen more than a day old; then `from_*` of its first row are NULL. A deleted post stays as it
-- was until the end of the data. `to_removed`: by how much later readings, at least two, all stay
-- below the curve, if that is more than a fifth of it.
create or replace macro base.curves(posts_wanted, as_of) as table
with ahead as (
    select
        *,
        lead(reading, 1) over turn as next_1,
        lead(reading, 2) over turn as next_2
    from base.readings(posts_wanted, as_of)
    window turn as (partition by post_key, source_id, counter order by moment)
),

kept as (
    select *
    from ahead
    where not coalesce(
        -- In whole numbers: lower by more than 5%.
        next_1::hugeint * 20 < reading::hugeint * 19
        and (next_2 is null or next_2::hugeint * 20 < reading::hugeint * 19),
        false
    )
),

heights as (
    select
        post_key, source_id, counter, gone_at, moment,
        max(reading) over turn as level,
        max(reading) over (turn rows between current row and unbounded following) as later,
        count(*) over (turn rows between current row and unbounded following) as readings
    from kept
    window turn as (partition by post_key, source_id, counter order by moment)
),

falls as (
    select *, (level - later)::hugeint * 5 > level as is_fallen
    from heights
),

levels as (
    select
        post_key, source_id, counter, gone_at, moment, level,
        case
            when is_fallen and (readings > 1 or lag(is_fallen) over turn) then level - later
            else 0
        end as removed
    from falls
    window turn as (partition by post_key, source_id, counter order by moment)
),

sources as (
    select post_key, source_id, counter
    from levels
    group by post_key, source_id, counter
    qualify row_number() over (
        partition by post_key, counter
        order by max(level) desc, max(moment) desc, source_id
    ) = 1
),

best as (
    select l.*
    from levels as l
    semi join sources as s
        on s.post_key = l.post_key and s.source_id = l.source_id and s.counter = l.counter
),

frozen as (
    select * replace (base.data_as_of(as_of) as moment)
    from best
    where gone_at is not null
    qualify row_number() over (partition by post_key, counter order by moment desc) = 1
        and base.data_as_of(as_of) > moment
),

points as (
    from best
    union all
    from frozen
),

-- An imported post's first version was known when it was created: no delay of detection.
versions as (
    select post_key, min(recorded_at) as recorded_at
    from base.versions
    where post_key in (select unnest(posts_wanted))
    group by all
),

joined as (
    select
        b.post_key, b.counter, b.source_id, p.created_at,
        p.created_at + interval 24 hours
            >= least(p.first_seen_at, v.recorded_at) as is_anchored,
        lag(b.moment) over turn as from_moment, lag(b.level) over turn as from_level,
        b.moment as to_moment, b.level as to_level, b.removed as to_removed
    from points as b
    join base.posts as p using (post_key)
    left join versions as v using (post_key)
    window turn as (partition by b.post_key, b.counter order by b.moment)
)

select
    post_key, counter, source_id, created_at,
    case when from_moment is null and is_anchored then created_at else from_moment end
        as from_moment,
    case when from_moment is null and is_anchored then 0 else from_level end as from_level,
    to_moment, to_level, to_removed
from joined;

-- The growth of a segment's curve between two moments within it.
create or replace macro base.growth(born, from_at, from_value, to_at, to_value, begins, ends) as
(to_value - from_value)
* (base.log_age(born, least(to_at, ends)) - base.log_age(born, greatest(from_at, begins)))
/ (base.log_age(born, to_at) - base.log_age(born, from_at));
