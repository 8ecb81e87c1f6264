//! Statements that are sent as one: each question costs two processes a turn on the processor, and a commit has
//! a dozen tables to write.
//!
//! None of them sees what another writes, and the server runs them in no order that counts: for rows that nothing
//! else in the same statement reads or writes.

use std::fmt::Write as _;

use sqlx::encode::Encode;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::types::Type;
use sqlx::{Arguments as _, AssertSqlSafe, PgConnection, Postgres, query_with};

use super::error::Fault;

/// See the module. The text depends only on which statements it holds: the server plans each such text a few times,
/// then no more. **Bound:** ten statements that are there or not; in practice a handful of texts beside those that
/// the connection keeps prepared (100).
#[derive(Debug, Default)]
pub(super) struct Together {
    sql: String,
    statements: usize,
    /// Arguments of the statements before the one that is bound.
    before: usize,
    bound: usize,
    arguments: PgArguments,
    /// Why an argument could not be bound.
    error: Option<BoxDynError>,
}

impl Together {
    /// One more statement, which writes and answers nothing; its arguments are `$1`, `$2` and so on, and are bound
    /// next.
    pub(super) fn add(&mut self, statement: &str) -> &mut Self {
        let with = if self.statements == 0 { "WITH" } else { "," };
        // Writing to a text does not fail.
        write!(self.sql, "{with} w{} AS (", self.statements).ok();
        (self.statements, self.before) = (self.statements + 1, self.bound);
        let mut parts = statement.split('$');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            let number = number.parse::<usize>().unwrap_or_default();
            write!(self.sql, "${}{rest}", self.before + number).ok();
        }
        self.sql.push(')');
        self
    }

    /// The next argument of the last statement.
    pub(super) fn bind<'q, T>(&mut self, value: T) -> &mut Self
    where
        T: Encode<'q, Postgres> + Type<Postgres>,
    {
        self.bound += 1;
        if let Err(error) = self.arguments.add(value) {
            self.error.get_or_insert(error);
        }
        self
    }

    /// Sends them.
    pub(super) async fn run(self, c: &mut PgConnection) -> Result<(), Fault> {
        if self.statements == 0 {
            return Ok(());
        }
        if let Some(error) = self.error {
            return Err(sqlx::Error::Encode(error).into());
        }
        let sql = self.sql + " SELECT";
        query_with::<Postgres, _>(AssertSqlSafe(sql), self.arguments).execute(c).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_numbered_through() {
        let mut together = Together::default();
        together.add("INSERT INTO a SELECT $2, i.* FROM UNNEST($1::bigint[]) AS i").bind(1).bind(2);
        together.add("DELETE FROM b WHERE k = ANY($1)").bind(3);
        let sql = "WITH w0 AS (INSERT INTO a SELECT $2, i.* FROM UNNEST($1::bigint[]) AS i)\
                   , w1 AS (DELETE FROM b WHERE k = ANY($3))";
        assert_eq!(together.sql, sql);
        assert_eq!(together.arguments.len(), 3);
    }
}
