//! What the rules need to know of SQL: its tokens, the tables a statement names, and where it asks for the time.

use std::collections::HashSet;

/// A token and the line (from 1) it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a name, in lower case; a quoted name as it stands.
    Word(String),
    /// A literal, quoted or dollar-quoted, without its quotes.
    Text(String),
    /// Anything else, one character at a time.
    Punct(char),
}

impl Token {
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn is(&self, expected: &str) -> bool {
        self.word() == Some(expected)
    }

    pub(crate) fn is_punct(&self, expected: char) -> bool {
        self.kind == Kind::Punct(expected)
    }
}

/// Cuts SQL into tokens; comments and white space are left out.
pub(crate) fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = next(rest, first);
        if let Some(kind) = kind {
            tokens.push(Token { kind, line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The next token, if it is one, and how many bytes it and its quotes take.
fn next(rest: &str, first: char) -> (Option<Kind>, usize) {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("--") {
        return (None, until("\n", 2));
    }
    if rest.starts_with("/*") {
        return (None, until("*/", 2));
    }
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if first == '\'' || first == '"' {
        let length = quoted_length(rest, first);
        let inside = rest[1..length].trim_end_matches(first).to_owned();
        return (Some(if first == '"' { Kind::Word(inside) } else { Kind::Text(inside) }), length);
    }
    if first == '$'
        && let Some(tag_end) = rest[1..].find('$').map(|at| at + 2)
        && rest[1..tag_end - 1].chars().all(|letter| letter.is_alphabetic() || letter == '_')
    {
        let tag = &rest[..tag_end];
        let length = until(tag, tag_end);
        let inside = rest[tag_end..length].trim_end_matches(tag).to_owned();
        return (Some(Kind::Text(inside)), length);
    }
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    if is_name(first) {
        let length = rest.find(|letter: char| !is_name(letter)).unwrap_or(rest.len());
        return (Some(Kind::Word(rest[..length].to_lowercase())), length);
    }
    (Some(Kind::Punct(first)), first.len_utf8())
}

/// The length of a quoted piece at the start of `rest`; a doubled quote inside stands for one.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut from = 1;
    while let Some(at) = rest[from..].find(quote) {
        from += at + 1;
        if !rest[from..].starts_with(quote) {
            return from;
        }
        from += 1;
    }
    rest.len()
}

/// Words after which a table's alias or the list of tables is over.
const AFTER_TABLE: &[&str] = &[
    "where",
    "group",
    "order",
    "limit",
    "on",
    "join",
    "left",
    "right",
    "inner",
    "outer",
    "cross",
    "full",
    "natural",
    "for",
    "having",
    "union",
    "except",
    "intersect",
    "returning",
    "set",
    "window",
    "offset",
    "fetch",
    "using",
    "values",
    "default",
    "select",
    "with",
    "when",
    "tablesample",
    "loop",
];
/// Functions whose arguments are separated by the word `from`.
const FROM_FUNCTIONS: &[&str] = &["extract", "substring", "trim", "overlay", "position"];

/// The tables a statement reads or writes, in order, with the lines they stand on. Names that the statement itself
/// makes (`with x as (..)`) and functions are left out.
pub(crate) fn tables(tokens: &[Token]) -> Vec<(String, usize)> {
    let own = own_names(tokens);
    let mut found = Vec::new();
    let mut parentheses = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| tokens[before].word());
        match &token.kind {
            Kind::Punct('(') => parentheses.push(before.is_some_and(|word| FROM_FUNCTIONS.contains(&word))),
            Kind::Punct(')') => drop(parentheses.pop()),
            Kind::Word(word) => match word.as_str() {
                "from" if parentheses.last() == Some(&true) || before == Some("distinct") => {}
                "from" | "join" | "using" => found.extend(table_list(&tokens[at + 1..])),
                "update" if matches!(before, Some("for" | "key" | "do")) => {}
                "into" | "update" | "truncate" | "lock" => found.extend(target(&tokens[at + 1..])),
                _ => {}
            },
            _ => {}
        }
    }
    found.retain(|(name, _)| !own.contains(name.as_str()));
    found
}

/// Names made by `with name as (` or `name (columns) as (`, and windows, which look the same.
fn own_names(tokens: &[Token]) -> HashSet<&str> {
    let mut names = HashSet::new();
    for (at, token) in tokens.iter().enumerate() {
        let opens = tokens[at + 1..].iter().find(|token| !token.is("not") && !token.is("materialized"));
        if !token.is("as") || !opens.is_some_and(|token| token.is_punct('(')) {
            continue;
        }
        let mut name = at;
        if at > 0 && tokens[at - 1].is_punct(')') {
            name = tokens[..at].iter().rposition(|token| token.is_punct('(')).unwrap_or(0);
        }
        names.extend(name.checked_sub(1).and_then(|name| tokens[name].word()));
    }
    names
}

/// `only schema.name`: the name, and how many tokens it takes.
fn table_name(tokens: &[Token]) -> Option<(String, usize, usize)> {
    let skipped = tokens.iter().take_while(|t| t.is("only") || t.is("table") || t.is("lateral")).count();
    let mut name = tokens.get(skipped)?;
    let mut taken = skipped + 1;
    while tokens.get(taken).is_some_and(|token| token.is_punct('.')) {
        name = tokens.get(taken + 1)?;
        taken += 2;
    }
    Some((name.word()?.to_owned(), name.line, taken))
}

/// The one table after `into`, `update`, `truncate` or `lock`.
fn target(tokens: &[Token]) -> Option<(String, usize)> {
    table_name(tokens).map(|(name, line, _)| (name, line))
}

/// The tables after `from` or `join`: `a, b as x, only c y`. Functions in the list are passed over.
fn table_list(mut tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    while let Some((name, line, taken)) = table_name(tokens) {
        tokens = &tokens[taken..];
        if tokens.first().is_some_and(|token| token.is_punct('(')) {
            break;
        }
        found.push((name, line));
        let alias =
            tokens.iter().take_while(|token| token.word().is_some_and(|word| !AFTER_TABLE.contains(&word))).count();
        tokens = &tokens[alias..];
        match tokens.first() {
            Some(comma) if comma.is_punct(',') => tokens = &tokens[1..],
            _ => break,
        }
    }
    found
}

/// Every way SQL asks for the time, with the lines they stand on. Time is a parameter here.
pub(crate) fn clock_readings(tokens: &[Token]) -> Vec<(String, usize)> {
    let is_call = |at: usize| tokens.get(at + 1).is_some_and(|token| token.is_punct('('));
    tokens
        .iter()
        .enumerate()
        .filter_map(|(at, token)| match token.word()? {
            word @ ("current_timestamp" | "current_date" | "current_time" | "localtimestamp" | "localtime") => {
                Some((word.to_owned(), token.line))
            }
            word @ ("now" | "clock_timestamp" | "statement_timestamp" | "transaction_timestamp" | "timeofday")
                if is_call(at) =>
            {
                Some((format!("{word}()"), token.line))
            }
            _ => None,
        })
        .collect()
}

/// Whether a text that is nobody's query argument (a constant, say) is SQL all the same.
pub(crate) fn looks_like_sql(text: &str) -> bool {
    let tokens = tokens(text);
    let words: Vec<&str> = tokens.iter().map_while(Token::word).collect();
    let has = |word: &str| tokens.iter().any(|token| token.is(word));
    match words[..] {
        ["insert", "into", ..] => has("values") || has("select"),
        ["delete", "from", ..] => has("where") || has("using") || tokens.len() == 3,
        ["update", ..] => has("set") && text.contains('='),
        ["select", ..] => has("from"),
        ["with", ..] => has("as") && has("select"),
        ["truncate" | "lock", ..] => tokens.len() <= 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<String> {
        tables(&tokens(sql)).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn tables_are_found() {
        assert_eq!(names("select a from x, only y as b, public.z where c in (select 1 from w)"), ["x", "y", "z", "w"]);
        assert_eq!(names("insert into x (a) select b from y join z on true"), ["x", "y", "z"]);
        assert_eq!(names("update x set a = 1 from y where true returning a"), ["x", "y"]);
        assert_eq!(names("delete from x using y where true"), ["x", "y"]);
        assert_eq!(names("truncate table x"), ["x"]);
        assert_eq!(names("lock table x in share mode"), ["x"]);
        assert_eq!(names("select 1 from \"x\" left join y using (id)"), ["x", "y"]);
    }

    #[test]
    fn what_is_no_table_is_left_out() {
        assert_eq!(names("select extract(epoch from a), trim(both from b) from x"), ["x"]);
        assert_eq!(names("select a is not distinct from b from x for no key update of x"), ["x"]);
        assert_eq!(
            names("with due as materialized (select 1 from x), b (c) as (select 2) select 1 from due, b"),
            ["x"]
        );
        assert_eq!(names("insert into x values (1) on conflict (a) do update set b = 2"), ["x"]);
        assert_eq!(names("select 1 from unnest($1::uuid[]) as t (id) -- from y"), [""; 0]);
        assert_eq!(names("select 'from y' from x for update skip locked"), ["x"]);
    }

    #[test]
    fn quotes_and_lines() {
        let found = tokens("a 'it''s'\n$$ from\n b $$ \"C d\" $1");
        let kinds: Vec<Kind> = found.iter().map(|token| token.kind.clone()).collect();
        assert_eq!(
            kinds,
            [
                Kind::Word("a".into()),
                Kind::Text("it''s".into()),
                Kind::Text(" from\n b ".into()),
                Kind::Word("C d".into()),
                Kind::Punct('$'),
                Kind::Word("1".into()),
            ]
        );
        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 1, 2, 3, 3, 3]);
    }

    #[test]
    fn the_clock_is_seen() {
        let found = clock_readings(&tokens("select now(), now, Current_Timestamp\n, clock_timestamp ()"));
        assert_eq!(found, [("now()".into(), 1), ("current_timestamp".into(), 1), ("clock_timestamp()".into(), 2)]);
    }

    #[test]
    fn prose_is_not_sql() {
        for prose in ["update the address", "select a time", "delete from your list", "with love", "insert into a slot"]
        {
            assert!(!looks_like_sql(prose), "{prose}");
        }
        for sql in ["select a from b", "update a set b = $1", "with x as (select 1) select 2", "delete from a where b"]
        {
            assert!(looks_like_sql(sql), "{sql}");
        }
    }
}
