-- What a DuckDB client that attached over Quack may run: SELECT statements, decided by the parser,
-- without the functions that would change or stop what others use, tell settings, or run text that
-- the parser has not seen. Names are looked for in the parsed statement: a comment or a quote in
-- its text hides nothing there.
create or replace macro monitor_may_read(sid, query) as
    coalesce((json_serialize_sql(query::varchar)::json ->> 'error') = 'false', false)
    and not regexp_matches(
        lower(json_serialize_sql(query::varchar)::varchar),
        '"function_name":"(quack_\w+|query|query_table|json_execute_serialized_sql|(force_)?checkpoint|nextval|setseed|write_log|enable_logging|disable_logging|truncate_duckdb_logs|duckdb_settings|duckdb_variables|duckdb_secrets|which_secret|current_setting|getvariable|getenv)"'
        || '|"table_name":"(pg_settings|duckdb_settings|duckdb_variables|duckdb_secrets|duckdb_logs)"'
    );
