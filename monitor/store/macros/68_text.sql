-- The text of a post as known at a moment: of its latest version then. Erased text is erased at
-- every moment. Parameters: the post's row as it is now.
create or replace macro base.text_then(of_post, state_now, text_now, written_at, as_of) as
case
    when state_now = 'erased' then null
    when written_at <= base.moment(as_of) then text_now
    else (
        select max_by(v.text, v.version)
        from base.versions as v
        where v.post_key = of_post and v.recorded_at <= base.moment(as_of)
    )
end;
