use std::fmt::Display;
use std::future::{Ready, ready};
use std::num::NonZeroU32;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use gateway_domain::Page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Problem;

/// Reads a query string; a parameter that it does not know, or finds twice, is an error.
pub(crate) trait FromQuery: Default {
    /// Takes one parameter in; `Ok(false)` when there is none of that name.
    fn set(&mut self, name: &str, value: &str) -> Result<bool, Problem>;
}

/// The extractor of a query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: FromQuery + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: FromQuery>(query: &str) -> Result<T, Problem> {
    let mut parsed = T::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if !parsed.set(&name, &value)? {
            return Err(Problem::parameter(&name, "no such parameter here"));
        }
    }
    Ok(parsed)
}

/// Puts the value of parameter `name` into its `slot`.
pub(crate) fn fill<T: FromStr>(slot: &mut Option<T>, name: &str, value: &str) -> Result<(), Problem>
where
    T::Err: Display,
{
    if slot.is_some() {
        return Err(Problem::parameter(name, "given twice"));
    }
    if value.chars().any(char::is_control) {
        return Err(Problem::parameter(name, "control characters are not allowed"));
    }
    let parsed = value
        .parse()
        .map_err(|error| Problem::parameter(name, &format!("{error}")))?;
    *slot = Some(parsed);
    Ok(())
}

/// Declares the parameters of one call: all optional, read by `FromStr`, described in the OpenAPI document.
macro_rules! query {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Default, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        pub(crate) struct $name { $($(#[$field_meta])* pub(crate) $field: Option<$type>,)* }

        impl $crate::query::FromQuery for $name {
            fn set(&mut self, name: &str, value: &str) -> Result<bool, $crate::error::Problem> {
                match name {
                    $(stringify!($field) => $crate::query::fill(&mut self.$field, name, value).map(|()| true),)*
                    _ => Ok(false),
                }
            }
        }
    };
}
pub(crate) use query;

/// Which page of a list is wanted, from the two parameters that every such list takes.
pub(crate) fn page(page: Option<u32>, page_size: Option<u32>) -> Result<Page, Problem> {
    let page = page.unwrap_or(1);
    let page = NonZeroU32::new(page).ok_or_else(|| Problem::parameter("page", "pages count from 1"))?;
    Ok(Page {
        page: page.get(),
        page_size: self::page_size(page_size)?,
    })
}

/// How many rows are wanted at once.
pub(crate) fn page_size(page_size: Option<u32>) -> Result<u32, Problem> {
    match page_size.unwrap_or(20) {
        size @ 1..=100 => Ok(size),
        _ => Err(Problem::parameter("page_size", "expected 1 to 100")),
    }
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// The rows of this page.
    data: Vec<T>,
    /// Rows in the whole list.
    total: i64,
    /// This page's number, from 1.
    page: u32,
    /// Rows on a page at the most.
    page_size: u32,
}

impl<T> List<T> {
    pub(crate) fn new(data: Vec<T>, total: i64, page: Page) -> Self {
        Self {
            data,
            total,
            page: page.page,
            page_size: page.page_size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{page, parse};

    query! {
        struct Search {
            q: String,
            page: u32,
        }
    }

    #[test]
    fn parameters_are_named_when_they_are_wrong() {
        let read = |query: &str| {
            parse::<Search>(query)
                .map(|search| (search.q, search.page))
                .map_err(|problem| problem.to_string())
        };
        assert_eq!(read("").unwrap(), (None, None));
        assert_eq!(read("q=a%20b&page=2").unwrap(), (Some("a b".to_owned()), Some(2)));
        for (query, culprit) in [
            ("page=x", "page"),
            ("page=1&page=2", "page"),
            ("qq=1", "qq"),
            ("q=%00", "q"),
        ] {
            let message = read(query).unwrap_err();
            assert!(message.contains(&format!("`{culprit}`")), "{query}: {message}");
        }
    }

    #[test]
    fn pages_are_bounded() {
        assert_eq!(page(None, None).unwrap().page_size, 20);
        assert!(page(Some(0), None).is_err());
        assert!(page(None, Some(0)).is_err());
        assert!(page(None, Some(101)).is_err());
        assert_eq!(page(Some(u32::MAX), Some(100)).unwrap().page, u32::MAX);
    }
}
