-- What `watch` and imports of feeds put beside the configuration, one definition a row.

create table base.watched (kind varchar, definition json, recorded_at timestamp);
