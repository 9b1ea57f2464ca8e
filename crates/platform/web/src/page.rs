use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Datelike as _, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::{Cursor, Problem, Query};

/// Whether a time that somebody gave has a year of four digits, as RFC 3339 wants: Postgres refuses what chrono takes
/// beyond them (<https://www.postgresql.org/docs/current/datatype-datetime.html>).
pub fn is_storable(time: DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year())
}

/// Items of a page when the caller does not say.
pub const PAGE_LIMIT_DEFAULT: u16 = 50;
/// Items of a page at most.
pub const PAGE_LIMIT_MAX: u16 = 200;

/// Which page of a list is asked for: `?limit=&cursor=`. An extractor; other parameters are left to [`Query`].
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageRequest {
    /// Items wanted: 1 to 200, 50 by default.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    limit: u16,
    /// The `next_cursor` of the page before; left out for the first.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl PageRequest {
    /// Rows to fetch: one more than are shown, which tells whether there is another page.
    pub fn fetch_limit(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The position after which this page begins: a time, and what tells apart what is of that time. Nothing for the
    /// first page.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<(DateTime<Utc>, K)>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let position: (DateTime<Utc>, K) = cursor.position()?;
        if is_storable(position.0) { Ok(Some(position)) } else { Err(Cursor::refused()) }
    }
}

impl<S: Sync> FromRequestParts<S> for PageRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Given {
            limit: Option<u16>,
            cursor: Option<Cursor>,
        }
        let Query(given) = Query::<Given>::from_request_parts(parts, state).await?;
        let limit = given.limit.unwrap_or(PAGE_LIMIT_DEFAULT);
        if !(1..=PAGE_LIMIT_MAX).contains(&limit) {
            return Err(Problem::invalid_field("limit", format!("must be from 1 to {PAGE_LIMIT_MAX}")));
        }
        Ok(Self { limit, cursor: given.cursor })
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Ask for the next page with it; null on the last.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// The page of `rows` fetched with [`PageRequest::fetch_limit`]; `position` is a row's place in the list's order.
    pub fn new<K: Serialize>(mut rows: Vec<T>, request: &PageRequest, position: impl Fn(&T) -> K) -> Self {
        let limit = usize::from(request.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|last| Cursor::new(&position(last)));
        Self { items: rows, next_cursor }
    }

    /// The same page with each item turned into what the API shows.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(show).collect(), next_cursor: self.next_cursor }
    }
}
