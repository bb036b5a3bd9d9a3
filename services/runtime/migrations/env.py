"""Alembic's entry: every service's migrations run on the connection that `runtime.relational` hands over."""  # noqa: INP001 - Alembic loads it by path

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
