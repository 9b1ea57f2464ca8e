//! What a hold and its booking ask of Postgres, as a script for pgbench.

use std::collections::BTreeMap;

use crate::{BenchError, proxy::Asked};

/// The script, with types in braces.
pub(crate) const BOOKING: &str = include_str!("bookings.sql");

/// Written out for pgbench, whose variables are numbers: `{uuid x}` makes an id of one, `{time x}` a time of its seconds.
pub(crate) fn expanded(script: &str) -> String {
    let mut written = String::with_capacity(script.len() * 2);
    let mut rest = script;
    while let Some((before, after)) = rest.split_once('{') {
        written.push_str(before);
        let meaning = after.split_once('}').and_then(|(inner, after)| Some((sql(inner)?, after)));
        if let Some((sql, after)) = meaning {
            written.push_str(&sql);
            rest = after;
        } else {
            written.push('{');
            rest = after;
        }
    }
    written + rest
}

fn sql(inner: &str) -> Option<String> {
    let uuid = |name: &str| format!("lpad(:{name}::text, 32, '0')::uuid");
    Some(match inner.split_once(' ') {
        None if inner == "none" => "nullif(:none, 'none')::uuid".to_owned(),
        Some(("uuid", name)) => uuid(name),
        Some(("uuids", name)) => format!("array[{}]", uuid(name)),
        Some(("text", name)) => format!(":{name}::text"),
        Some(("time", name)) => format!("to_timestamp(:{name})"),
        Some(("date", name)) => format!("to_timestamp(:{name})::date"),
        _ => return None,
    })
}

/// The script's statements with how often each is in it, in the shape in which they can be compared.
fn statements(script: &str) -> BTreeMap<String, u64> {
    let is_sql = |line: &&str| !line.starts_with("--") && !line.starts_with('\\');
    let sql: Vec<&str> = script.lines().filter(is_sql).collect();
    let mut statements = BTreeMap::new();
    for statement in sql.join("\n").split(';').map(shape).filter(|statement| !statement.is_empty()) {
        *statements.entry(statement).or_default() += 1;
    }
    statements
}

/// A statement without its parameters and literals, whoever wrote it: `$1` of the code, `:x` and `{uuid x}` of the
/// script, `..` of the proxy are the same.
fn shape(statement: &str) -> String {
    let words = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = words.split('\'').step_by(2).collect::<Vec<_>>().join("?").replace("..", "?");
    let (mut shape, mut chars) = (String::with_capacity(bare.len()), bare.chars().peekable());
    while let Some(char) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        match char {
            '$' if next.is_ascii_digit() => while chars.next_if(char::is_ascii_digit).is_some() {},
            ':' if next == ':' => {
                chars.next();
                shape.push_str("::");
                continue;
            }
            ':' if next.is_ascii_alphabetic() => {
                while chars.next_if(|char| char.is_ascii_alphanumeric() || *char == '_').is_some() {}
            }
            '{' => while chars.next().is_some_and(|char| char != '}') {},
            other => {
                shape.push(other);
                continue;
            }
        }
        shape.push('?');
    }
    shape
}

/// Fails where the server asks for a statement that the script lacks, or the other way round: what `asked` holds is that
/// of so many bookings and of nothing else.
pub(crate) fn check(asked: &Asked, bookings: u64) -> Result<(), BenchError> {
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for (text, times) in &asked.texts {
        for statement in text.split(';').map(shape).filter(|statement| !statement.is_empty()) {
            *found.entry(statement).or_default() += times;
        }
    }
    // What is not asked for by each booking belongs to something else that goes on.
    found.retain(|statement, times| {
        *times = (*times + bookings / 2) / bookings;
        *times > 0 && !statement.contains("pg_notify")
    });
    let expected = statements(BOOKING);
    let differs = |of: &BTreeMap<String, u64>, from: &BTreeMap<String, u64>| {
        let other = of.iter().filter(|&(statement, times)| from.get(statement) != Some(times));
        other.map(|(statement, times)| format!("{times} x {statement}")).collect::<Vec<_>>().join("\n")
    };
    let (lacks, has) = (differs(&found, &expected), differs(&expected, &found));
    if lacks.is_empty() && has.is_empty() {
        return Ok(());
    }
    Err(BenchError::Wrong(format!(
        "bookings.sql is not what a booking asks. The server asks:\n{lacks}\nIt has:\n{has}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_out() {
        let script = "select '{}', {uuid id}, {none} from t where at < {time start} and k = {text k}";
        let expected = "select '{}', lpad(:id::text, 32, '0')::uuid, nullif(:none, 'none')::uuid from t \
                        where at < to_timestamp(:start) and k = :k::text";
        assert_eq!(expanded(script), expected);
        assert!(!expanded(BOOKING).contains("{uuid"));
    }

    #[test]
    fn parameters_of_code_script_and_proxy_have_one_shape() {
        let code = shape("insert into t (a,\n  b) values ($1, $12::uuid, 'x')");
        assert_eq!(code, "insert into t (a, b) values (?, ?::uuid, ?)");
        assert_eq!(code, shape("insert into t (a, b) values (:tenant, {uuid id}::uuid, 'x')"));
        assert_eq!(shape(r#"select a as "a: _", b from t"#), r#"select a as "a: _", b from t"#);
    }

    #[test]
    fn the_script_has_the_codes_own_statements() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../.sqlx");
        let queries: std::collections::HashSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .map(|text| shape(serde_json::from_str::<serde_json::Value>(&text).unwrap()["query"].as_str().unwrap()))
            .collect();
        // What begins and ends a transaction is sent as it is.
        let around =
            ["begin", "select set_config(?, ?, true), now(), now() = statement_timestamp()", "select 1", "commit"];
        for statement in statements(BOOKING).keys() {
            assert!(around.contains(&statement.as_str()) || queries.contains(statement), "{statement}");
        }
    }

    #[test]
    fn a_statement_that_is_missing_is_told() {
        let whole = |bookings| Asked {
            texts: statements(BOOKING).into_iter().map(|(text, times)| (text, times * bookings)).collect(),
            ..Asked::default()
        };
        assert!(check(&whole(10), 10).is_ok());
        let mut more = whole(10);
        more.texts.insert("select 2 from t where a = $1".to_owned(), 10);
        assert!(check(&more, 10).unwrap_err().to_string().contains("1 x select 2 from t where a = ?"));
        more.texts.remove("commit");
        assert!(check(&more, 10).is_err());
    }
}
