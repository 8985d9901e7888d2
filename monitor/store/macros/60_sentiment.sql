-- The mood of reactions. Announcements, reposts, own accounts and empty texts have no scores.

-- One score a post, all of one model: a mean over several would mean nothing. It is the model that
-- scored most of the event's posts; among equals an imported one, then the latest.
create or replace macro base.event_scores(chosen, as_of) as table
with latest as (
    select
        p.event_id, p.post_key, p.relation, p.created_at, s.model, s.score, s.label, s.positive,
        s.neutral, s.negative, s.recorded_at
    from base.event_posts(chosen, as_of) as p
    join base.sentiment as s using (post_key)
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
    group by all
    qualify row_number() over (
        partition by event_id
        order by count(*) desc, model = 'import' desc, max(recorded_at) desc, model
    ) = 1
)

select l.* exclude (recorded_at)
from latest as l
semi join models as m on m.event_id = l.event_id and m.model = l.model;

create or replace macro base.sentiment_over(chosen, bucket, tz, as_of) as table
with scores as materialized (
    from base.event_scores(chosen, as_of)
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
    from base.buckets(chosen, bucket, tz) as b
    join scores as s
        on s.event_id = b.event_id
        and s.created_at >= greatest(b.bucket_start, b.window_start)
        and s.created_at < least(b.bucket_end, b.window_end)
    group by all
)

select
    o.event_id, o.bucket_start as bucket_start_utc, n.model as sentiment_model,
    round(s.mean, 12) as sentiment_mean, null::double as sentiment_low,
    null::double as sentiment_high,
    case when n.model is not null then coalesce(s.posts, 0) end as sentiment_n,
    s.positive as positive_share, s.neutral as neutral_share, s.negative as negative_share
from base.observed(chosen, bucket, tz, as_of) as o
left join named as n on n.event_id = o.event_id
left join scored as s on s.event_id = o.event_id and s.bucket_start = o.bucket_start;

-- The plain mean of scores and the shares of labels; intervals are for the analyses.
create or replace macro sentiment_series(event, bucket, as_of := null) as table
select
    event_id, bucket_start_utc,
    case when is_observed then sentiment_model end as sentiment_model,
    case when is_observed then sentiment_mean end as sentiment_mean,
    sentiment_low, sentiment_high,
    case when is_observed then sentiment_n end as sentiment_n,
    case when is_observed then positive_share end as positive_share,
    case when is_observed then neutral_share end as neutral_share,
    case when is_observed then negative_share end as negative_share,
    nullif(concat_ws(' ',
        -- What cannot be observed concerns other columns.
        case
            when flag like 'partial%' then 'partial'
            when flag not like 'not_observable%' then flag
        end,
        case when is_observed and sentiment_mean is null then 'no_sentiment' end
    ), '') as flag
from base.reactions_over([event], bucket, 'UTC', as_of)
join base.sentiment_over([event], bucket, 'UTC', as_of) using (event_id, bucket_start_utc)
order by bucket_start_utc;
