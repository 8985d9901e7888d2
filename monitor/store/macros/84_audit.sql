-- Posts of an event in an order that only chance has made, the same for everybody: whoever takes
-- them from the first on draws a random sample of reactions that have a mood of their own.
create or replace macro base.audit_order(chosen, as_of) as table
with own as (
    select event_id, post_key
    from base.roles_of_posts(chosen, as_of)
    where role = 'own'
)

select
    r.event_id, r.post_key, r.post_id, p.url, p.author_handle, r.relation, r.language,
    r.created_at, base.text_then(p.post_key, p.state, p.text, p.recorded_at, as_of) as text,
    p.title, md5(r.event_id || ' ' || r.post_id) as place
from base.event_posts(chosen, as_of) as r
join base.posts as p using (post_key)
anti join own as o on o.event_id = r.event_id and o.post_key = r.post_key
where
    r.relation not in ('announcement', 'repost') and r.gone_at is null and r.state <> 'erased'
    and coalesce(p.text, p.title) is not null;

-- The latest word of each person on each post.
create or replace macro base.labels_then(chosen, as_of) as table
select event_id, post_key, label, relevant, labelled_by, labelled_at, recorded_at
from base.labels
where list_contains(chosen, event_id) and recorded_at <= base.moment(as_of)
qualify row_number() over (
    partition by event_id, post_key, labelled_by order by recorded_at desc, labelled_at desc
) = 1;

-- What people say of the posts of events, beside what the series' model says: a row a post, with
-- the mean of labels as -1, 0 and 1, and whether most hold it for relevant (a tie is none).
create or replace macro base.audited(chosen, as_of) as table
with said as (
    select
        event_id, post_key,
        avg(case label when 'positive' then 1 when 'neutral' then 0 when 'negative' then -1 end)
            as said,
        sum(case when relevant then 1 when not relevant then -1 end) as votes
    from base.labels_then(chosen, as_of)
    group by all
)

select
    a.event_id, a.post_key, s.said, case when s.votes <> 0 then s.votes > 0 end as relevant,
    f.score
from base.audit_order(chosen, as_of) as a
left join said as s on s.event_id = a.event_id and s.post_key = a.post_key
left join base.event_scores(chosen, as_of) as f
    on f.event_id = a.event_id and f.post_key = a.post_key;
