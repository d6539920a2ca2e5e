//! Rows of any table as plain values, the same for both databases, and a checksum over them.

use diesel::backend::Backend;
use diesel::deserialize::{FromSql, QueryableByName, Result as Read};
use diesel::pg::Pg;
use diesel::row::{Field, NamedRow};
use diesel::sql_types::{BigInt, Binary, Bool, Double, Integer, SmallInt, Text};
use diesel::sqlite::{Sqlite, SqliteType};
use sha2::{Digest, Sha256};

/// One value; truth values are 0 and 1, as SQLite keeps them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    pub fn integer(self) -> Option<i64> {
        if let Value::Integer(number) = self { Some(number) } else { None }
    }

    pub fn real(self) -> Option<f64> {
        if let Value::Real(number) = self { Some(number) } else { None }
    }

    pub fn text(self) -> Option<String> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    pub fn bytes(self) -> Option<Vec<u8>> {
        if let Value::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    fn hash(&self, hash: &mut Sha256) {
        let (mark, bytes): (u8, &[u8]) = match self {
            Value::Null => (0, &[]),
            Value::Integer(number) => (1, &number.to_be_bytes()),
            Value::Real(number) => (2, &number.to_bits().to_be_bytes()),
            Value::Text(text) => (3, text.as_bytes()),
            Value::Bytes(bytes) => (4, bytes),
        };
        hash.update([mark]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
}

/// The values of one row in the order of the query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub Vec<Value>);

impl QueryableByName<Sqlite> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> Read<Row> {
        let value = |place: usize| {
            let field = diesel::row::Row::get(row, place).ok_or("a column is missing")?;
            let Some(raw) = field.value() else { return Ok(Value::Null) };
            Ok(match raw.value_type() {
                None => Value::Null,
                Some(SqliteType::SmallInt | SqliteType::Integer | SqliteType::Long) => {
                    Value::Integer(<i64 as FromSql<BigInt, Sqlite>>::from_sql(raw)?)
                }
                Some(SqliteType::Float | SqliteType::Double) => {
                    Value::Real(<f64 as FromSql<Double, Sqlite>>::from_sql(raw)?)
                }
                Some(SqliteType::Text) => Value::Text(<String as FromSql<Text, Sqlite>>::from_sql(raw)?),
                Some(SqliteType::Binary) => Value::Bytes(<Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(raw)?),
            })
        };
        (0..row.field_count()).map(value).collect::<Read<_>>().map(Row)
    }
}

impl QueryableByName<Pg> for Row {
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> Read<Row> {
        let value = |place: usize| {
            let field = diesel::row::Row::get(row, place).ok_or("a column is missing")?;
            field.value().map_or(Ok(Value::Null), read_postgres)
        };
        (0..row.field_count()).map(value).collect::<Read<_>>().map(Row)
    }
}

/// By the number of the type in `pg_type`.
fn read_postgres(raw: <Pg as Backend>::RawValue<'_>) -> Read<Value> {
    Ok(match raw.get_oid().get() {
        16 => Value::Integer(<bool as FromSql<Bool, Pg>>::from_sql(raw)?.into()),
        17 => Value::Bytes(<Vec<u8> as FromSql<Binary, Pg>>::from_sql(raw)?),
        20 => Value::Integer(<i64 as FromSql<BigInt, Pg>>::from_sql(raw)?),
        21 => Value::Integer(<i16 as FromSql<SmallInt, Pg>>::from_sql(raw)?.into()),
        23 => Value::Integer(<i32 as FromSql<Integer, Pg>>::from_sql(raw)?.into()),
        701 => Value::Real(<f64 as FromSql<Double, Pg>>::from_sql(raw)?),
        25 | 1043 => Value::Text(<String as FromSql<Text, Pg>>::from_sql(raw)?),
        other => return Err(format!("a column has the type {other}, which is not known here").into()),
    })
}

/// Rows so far and the sum of their hashes, which is the same for any order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub rows: u64,
    sum: u128,
}

impl Sum {
    pub fn add(&mut self, rows: &[Row]) {
        for row in rows {
            let mut hash = Sha256::new();
            row.0.iter().for_each(|value| value.hash(&mut hash));
            let digest: [u8; 32] = hash.finalize().into();
            let half = digest.first_chunk::<16>().map_or(0, |half| u128::from_be_bytes(*half));
            self.sum = self.sum.wrapping_add(half);
            self.rows += 1;
        }
    }

    pub fn checksum(&self) -> String {
        format!("{:032x}", self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_depends_on_the_rows_and_not_on_their_order() {
        let rows = [Row(vec![Value::Integer(1), Value::Null]), Row(vec![Value::Text("a".into()), Value::Real(0.5)])];
        let sum = |rows: &[&Row]| {
            let mut sum = Sum::default();
            rows.iter().for_each(|row| sum.add(&[(*row).clone()]));
            sum
        };
        assert_eq!(sum(&[&rows[0], &rows[1]]), sum(&[&rows[1], &rows[0]]));
        assert_ne!(sum(&[&rows[0]]), sum(&[&rows[1]]));
        assert_ne!(sum(&[&rows[0], &rows[0]]), sum(&[&rows[0]]));
    }

    #[test]
    fn values_that_look_alike_differ() {
        let sum = |values: Vec<Value>| {
            let mut sum = Sum::default();
            sum.add(&[Row(values)]);
            sum
        };
        let text = |text: &str| Value::Text(text.into());
        assert_ne!(sum(vec![text("ab"), text("c")]), sum(vec![text("a"), text("bc")]));
        assert_ne!(sum(vec![text("1")]), sum(vec![Value::Integer(1)]));
    }
}
