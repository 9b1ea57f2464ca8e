//! What the rules need to know of Rust source: its words and its string literals. Tokens are read rather than the
//! syntax tree, so that what stands inside another macro's braces or behind a `cfg` is seen too.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{Lit, LitStr};

/// The query macros that take SQL as their first argument.
const SQL_FIRST: &[&str] = &["query", "query_unchecked", "query_scalar", "query_scalar_unchecked"];
/// The query macros that take the row's type first and SQL second.
const SQL_SECOND: &[&str] = &["query_as", "query_as_unchecked"];
/// As above, with the name of a file instead of SQL.
const FILE_FIRST: &[&str] = &["query_file", "query_file_unchecked", "query_file_scalar", "query_file_scalar_unchecked"];
const FILE_SECOND: &[&str] = &["query_file_as", "query_file_as_unchecked"];
/// sqlx's functions whose argument is SQL.
const FUNCTIONS: &[&str] =
    &["query", "query_as", "query_scalar", "query_with", "query_as_with", "query_scalar_with", "raw_sql"];

/// A source file's words and literals, with the lines they stand on.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) idents: Vec<(String, usize)>,
    pub(crate) strings: Vec<Text>,
    pub(crate) queries: Vec<Query>,
}

/// A string literal.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) line: usize,
    /// It stands directly in the arguments of one of sqlx's query macros or functions.
    pub(crate) in_query: bool,
}

/// One use of a macro that sqlx checks at compile time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) sql: Sql,
    pub(crate) line: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sql {
    Inline(String),
    /// A path relative to the crate's folder.
    File(String),
}

impl Source {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let tokens: TokenStream = text.parse().map_err(|error| format!("not Rust: {error}"))?;
        let mut source = Self::default();
        source.walk(tokens, false);
        Ok(source)
    }

    fn walk(&mut self, tokens: TokenStream, in_query: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => self.idents.push((ident.to_string(), ident.span().start().line)),
                TokenTree::Literal(literal) => {
                    if let Lit::Str(text) = Lit::new(literal.clone()) {
                        self.strings.push(Text { value: text.value(), line: literal.span().start().line, in_query });
                    }
                }
                // Attributes, and with them docs, are prose.
                TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket && is_attribute(&tokens[..at]) => {}
                TokenTree::Group(group) => {
                    let callee = callee(&tokens[..at]);
                    if let Some((name, true)) = &callee {
                        self.queries.extend(checked_query(name, group.stream()));
                    }
                    let takes_sql = callee.is_some_and(|(name, is_macro)| {
                        let name = name.as_str();
                        if is_macro {
                            SQL_FIRST.contains(&name) || SQL_SECOND.contains(&name)
                        } else {
                            FUNCTIONS.contains(&name)
                        }
                    });
                    self.walk(group.stream(), takes_sql);
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

fn is_attribute(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Punct(hash), TokenTree::Punct(bang)] if bang.as_char() == '!' => hash.as_char() == '#',
        [.., TokenTree::Punct(hash)] => hash.as_char() == '#',
        _ => false,
    }
}

/// The name before an opening parenthesis, and whether it is a macro's: `name!`, `name` or `name::<T>`.
fn callee(before: &[TokenTree]) -> Option<(String, bool)> {
    match before {
        [.., TokenTree::Ident(name), TokenTree::Punct(bang)] if bang.as_char() == '!' => Some((name.to_string(), true)),
        [.., TokenTree::Ident(name)] => Some((name.to_string(), false)),
        [.., TokenTree::Punct(close)] if close.as_char() == '>' => {
            let mut depth = 0_i32;
            for (at, token) in before.iter().enumerate().rev() {
                match token {
                    TokenTree::Punct(punct) if punct.as_char() == '>' => depth += 1,
                    TokenTree::Punct(punct) if punct.as_char() == '<' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    // Before `<` stands `::`.
                    return match before[..at].get(..at.checked_sub(2)?)? {
                        [.., TokenTree::Ident(name)] => Some((name.to_string(), false)),
                        _ => None,
                    };
                }
            }
            None
        }
        _ => None,
    }
}

/// The query of a checked macro, or none where the macro is another one.
fn checked_query(name: &str, arguments: TokenStream) -> Option<Query> {
    let (position, is_file) = match name {
        name if SQL_FIRST.contains(&name) => (0, false),
        name if SQL_SECOND.contains(&name) => (1, false),
        name if FILE_FIRST.contains(&name) => (0, true),
        name if FILE_SECOND.contains(&name) => (1, true),
        _ => return None,
    };
    let mut commas = 0;
    let mut depth = 0_i32;
    let mut value = String::new();
    let mut line = None;
    for token in arguments {
        match &token {
            TokenTree::Punct(punct) => match punct.as_char() {
                // A generic row type: `Row<A, B>`.
                '<' => depth += 1,
                '>' => depth -= 1,
                ',' if depth == 0 => commas += 1,
                _ => {}
            },
            // Pieces joined by `+` are one query.
            TokenTree::Literal(literal) if commas == position => {
                if let Lit::Str(text) = Lit::new(literal.clone()) {
                    value.push_str(&LitStr::value(&text));
                    line.get_or_insert(literal.span().start().line);
                }
            }
            _ => {}
        }
        if commas > position {
            break;
        }
    }
    line.map(|line| Query { sql: if is_file { Sql::File(value) } else { Sql::Inline(value) }, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queries(text: &str) -> Vec<(Sql, usize)> {
        Source::parse(text).unwrap().queries.into_iter().map(|query| (query.sql, query.line)).collect()
    }

    #[test]
    fn checked_queries_are_found_wherever_they_stand() {
        let text = r#"
            fn f() {
                let a = sqlx::query!("select 1", x);
                let b = query_as!(Row::<A, B>, "select " + "2", y, "not sql");
                tokio::select! { r = sqlx::query_scalar!("select \"a\"").fetch_one(x) => {} }
                query_file_as!(Row, "src/q.sql");
                sqlx::query("select 3"); println!("select 4");
            }
        "#;
        let inline = |sql: &str| Sql::Inline(sql.to_owned());
        assert_eq!(
            queries(text),
            [
                (inline("select 1"), 3),
                (inline("select 2"), 4),
                (inline("select \"a\""), 5),
                (Sql::File("src/q.sql".to_owned()), 6),
            ]
        );
    }

    #[test]
    fn strings_know_whether_they_are_a_querys() {
        let text = "/// \"docs\"\nfn f() { sqlx::query_scalar::<_, Vec<i64>>(\"a\"); other(\"b\"); query(\"c\"); }";
        let found: Vec<(String, bool)> =
            Source::parse(text).unwrap().strings.into_iter().map(|text| (text.value, text.in_query)).collect();
        assert_eq!(found, [("a".to_owned(), true), ("b".to_owned(), false), ("c".to_owned(), true)]);
    }
}
