-- The mood of reactions. Announcements, reposts, own accounts and empty texts have no scores.

-- One score a post, all of one model: a mean over several would mean nothing. It is the model that
-- scored most of the event's posts; among equals an imported one, then the latest.
create or replace macro base.event_scores(chosen, as_of) as table
with own as (
    select event_id, post_key
    from base.roles_of_posts(chosen, as_of)
    where role = 'own'
),

latest as (
    select
        p.event_id, p.post_key, p.relation, p.created_at, s.model, s.score, s.label, s.positive,
        s.neutral, s.negative, s.recorded_at
    from base.event_posts(chosen, as_of) as p
    join base.sentiment as s using (post_key)
    anti join own as o on o.event_id = p.event_id and o.post_key = p.post_key
    where
        s.recorded_at <= base.moment(as_of) and p.relation not in ('announcement', 'repost')
        -- Deletion and erasure take the mood with the text.
        and p.gone_at is null and p.state <> 'erased'
    qualify row_number() over (
        partition by p.event_id, p.post_key, s.model
        order by s.recorded_at desc, s.scored_at desc, s.score desc
    ) = 1
),

models as (
    select event_id, model
    from latest
    group by event_id, model
    qualify row_number() over (
        partition by event_id
        order by count(*) desc, model = 'import' desc, max(recorded_at) desc, model
    ) = 1
)

select l.* exclude (recorded_at)
from latest as l
semi join models as m on m.event_id = l.event_id and m.model = l.model;

-- The plain mean of scores and the shares of labels; intervals are for the analyses. Buckets
-- without a scored post have n 0; an event without any score has no rows.
create or replace macro base.sentiment_over(chosen, bucket, tz, as_of) as table
with scores as materialized (
    select s.*, base.step_of(s.created_at, c.length, c.is_local, c.zone) as step
    from base.event_scores(chosen, as_of) as s
    cross join base.clock(bucket, tz) as c
),

named as (
    select event_id, any_value(model) as model
    from scores
    group by all
),

scored as (
    select
        b.event_id, b.bucket_start, count(*) as posts, avg(s.score) as mean,
        avg((s.label = 'positive')::int) as positive, avg((s.label = 'neutral')::int) as neutral,
        avg((s.label = 'negative')::int) as negative
    from scores as s
    join base.buckets(chosen, bucket, tz) as b on b.event_id = s.event_id and b.step = s.step
    where s.created_at >= b.window_start and s.created_at < b.window_end
    group by all
)

select
    b.event_id, b.bucket_start, n.model, round(s.mean, 12) as mean,
    coalesce(s.posts, 0) as posts, s.positive, s.neutral, s.negative
from base.buckets(chosen, bucket, tz) as b
join named as n on n.event_id = b.event_id
left join scored as s on s.event_id = b.event_id and s.bucket_start = b.bucket_start;

create or replace macro sentiment_series(event, bucket, as_of := null) as table
with known as (
    select
        event_id, bucket_start, is_edge, observed_ratio, is_future,
        not is_future and observed_ratio > 0 as is_observed
    from base.observed([event], bucket, 'UTC', as_of)
)

select
    k.event_id, k.bucket_start as bucket_start_utc,
    s.model as sentiment_model, s.mean as sentiment_mean,
    null::double as sentiment_low, null::double as sentiment_high, s.posts as sentiment_n,
    s.positive as positive_share, s.neutral as neutral_share, s.negative as negative_share,
    nullif(concat_ws(' ',
        base.seen_how(k.is_future, k.observed_ratio, k.is_edge),
        case when k.is_observed and s.mean is null then 'no_sentiment' end
    ), '') as flag
from known as k
left join base.sentiment_over([event], bucket, 'UTC', as_of) as s
    on k.is_observed and s.event_id = k.event_id and s.bucket_start = k.bucket_start
order by bucket_start_utc;
