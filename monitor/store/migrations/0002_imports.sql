-- What imports state about the place of posts: it stands as given. Without a relation the post
-- belongs to the stream of the event's company.

create table base.stated (
    post_key bigint, event_id varchar, relation varchar, recorded_at timestamp
);
