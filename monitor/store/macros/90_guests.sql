-- What a DuckDB client that attached over Quack may run: SELECT statements, decided by the parser,
-- without the functions that would change or stop what others use.
create or replace macro monitor_may_read(sid, query) as
    coalesce((json_serialize_sql(query::varchar)::json ->> 'error') = 'false', false)
    and not regexp_matches(
        lower(query::varchar),
        '(quack_serve|quack_stop|quack_identify|quack_query|checkpoint|nextval|write_log|enable_logging|disable_logging|truncate_duckdb_logs)\s*["(]'
    );
