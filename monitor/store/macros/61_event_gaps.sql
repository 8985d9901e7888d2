-- What was not seen of events: their own gaps, and the holes of their sources in their windows.
create or replace macro base.event_gaps(chosen, as_of) as table
with windows as (
    from base.windows(chosen)
)

select distinct
    w.event_id, g.gap_id, g.source_id, g.post_id, g.concerns, g.started_at,
    base.known_end(g.ended_at, b.end_recorded_at, as_of) as ended_at,
    g.reason, g.missing,
    case when g.filled_at <= base.moment(as_of) then g.filled_at end as filled_at
from windows as w
join base.event_sources as x using (event_id)
join gaps as g on g.source_id = x.source_id
left join base.gaps as b on b.gap_id = g.gap_id
where
    coalesce(g.event_id, w.event_id) = w.event_id
    and coalesce(g.recorded_at, timestamp '-infinity') <= base.moment(as_of)
    and (
        g.post_id is not null
        or (g.started_at < w.window_end and coalesce(g.ended_at, w.window_end) > w.window_start)
    );
