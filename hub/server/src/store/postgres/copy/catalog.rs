//! What the server says of its tables: columns, what stands in an index, whose numbers it gives.

use sqlx::{PgConnection, query_as};

use crate::store::copy::tables::{Column, Described, Kind};
use crate::store::postgres::error::Fault;

/// All tables of the schema but the partitions of others, sorted by name; columns in their order.
pub(super) async fn read(c: &mut PgConnection) -> Result<Vec<Described>, Fault> {
    let sql = "SELECT t.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
                   pg_get_serial_sequence(quote_ident(t.relname), a.attname) IS NOT NULL,
                   EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = t.oid AND a.attnum = ANY(i.indkey))
               FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid
               WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
                   AND NOT t.relispartition AND a.attnum > 0 AND NOT a.attisdropped
               ORDER BY t.relname, a.attnum";
    let rows: Vec<(String, String, String, bool, bool)> = query_as(sql).fetch_all(c).await?;
    let mut tables: Vec<Described> = Vec::new();
    for (table, name, kind, identity, key) in rows {
        if tables.last().is_none_or(|last| last.name != table) {
            tables.push(Described { name: table, columns: Vec::new(), identity: None });
        }
        let Some(last) = tables.last_mut() else { continue };
        if identity {
            last.identity = Some(name.clone());
        }
        // Of tables that are not copied it does not matter; of others the plan finds it missing.
        let Some(kind) = Kind::named(&kind) else { continue };
        last.columns.push(Column { name, kind, key });
    }
    Ok(tables)
}
