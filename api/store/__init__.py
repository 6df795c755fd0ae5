"""The database: engine, tables, sealing of personal data, migrations, writing behind."""
