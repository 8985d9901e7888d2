-- The wide row of `monitor series`. What needs statistics is NULL here; the flag says so.
-- `flag` holds words joined by spaces:
--   no_data_yet      the bucket begins after the end of the data
--   not_observed     no source of the event observed any of it
--   partial          an edge of the window, or less than 90% of it was observed
--   not_observable:… relations, joined by +, that no network of the event can show
--   no_counters      no counter has a curve in it; with `:` and names joined by +, these have none
--   no_sentiment     nothing in it is scored
--   no_baseline      nothing is expected: too few days before, or a bucket that divides no day
-- `monitor series` fills in what was expected, and may say as well
--   no_band          the days are too few for a band of buckets so long
--   overlap          within 72 hours after another event of the company
create or replace macro base.series_over(chosen, bucket, tz, as_of) as table
select
    r.event_id, r.bucket_start_utc, r.hours_since_announcement, r.observed_ratio,
    r.posts, r.authors, r.replies, r.quotes, r.reposts, r.links, r.press, r.mentions,
    r.stream_posts,
    e.likes_delta, e.reposts_delta, e.replies_delta, e.quotes_delta, e.views_delta,
    e.counters_observed_ratio,
    null::double as expected_posts, null::double as expected_low, null::double as expected_high,
    null::double as abnormal_posts, null::boolean as is_spike,
    s.model as sentiment_model, s.mean as sentiment_mean,
    null::double as sentiment_low, null::double as sentiment_high, s.posts as sentiment_n,
    s.positive as positive_share, s.neutral as neutral_share, s.negative as negative_share,
    concat_ws(' ',
        r.flag,
        nullif(regexp_extract(e.flag, 'no_counters\S*'), ''),
        case when r.is_observed and s.mean is null then 'no_sentiment' end,
        'no_baseline'
    ) as flag
from base.reactions_over(chosen, bucket, tz, as_of) as r
join base.engagement_over(chosen, bucket, tz, as_of) as e
    on e.event_id = r.event_id and e.bucket_start_utc = r.bucket_start_utc
left join base.sentiment_over(chosen, bucket, tz, as_of) as s
    on r.is_observed and s.event_id = r.event_id and s.bucket_start = r.bucket_start_utc;

create or replace macro event_series(event, bucket, as_of := null, tz := 'UTC') as table
from base.series_over([event], bucket, tz, as_of)
order by bucket_start_utc;

create or replace view event_series_1h as
from base.series_over((select list(event_id) from events), '1h', 'UTC', null);
