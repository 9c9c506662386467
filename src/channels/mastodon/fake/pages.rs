//! Pages of lists on the played server: `max_id`, `since_id`, `min_id` and the `Link` header (documentation, "Pagination").

use super::serve::Params;

/// One page of ids (newest first in, newest first out) and its `Link` header.
pub fn page(ids: &[u64], params: &Params, most: usize, usual: usize, address: &str) -> (Vec<u64>, Option<String>) {
    let number = |name: &str| params.one(name).and_then(|text| text.parse::<u64>().ok());
    let limit = params.one("limit").and_then(|text| text.parse::<usize>().ok()).unwrap_or(usual).clamp(1, most);
    let below = number("max_id").unwrap_or(u64::MAX);
    let page: Vec<u64> = if let Some(min) = number("min_id") {
        // The page right above, not the newest one.
        let mut above: Vec<u64> = ids.iter().rev().copied().filter(|id| *id > min && *id < below).take(limit).collect();
        above.reverse();
        above
    } else {
        let since = number("since_id").unwrap_or(0);
        ids.iter().copied().filter(|id| *id > since && *id < below).take(limit).collect()
    };
    let link = page.first().zip(page.last()).map(|(first, last)| {
        let keep = params
            .all()
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "max_id" | "min_id" | "since_id" | "access_token"))
            .map(|(name, value)| {
                format!("&{}", url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish())
            })
            .collect::<Vec<_>>()
            .concat();
        format!("<{address}?max_id={last}{keep}>; rel=\"next\", <{address}?min_id={first}{keep}>; rel=\"prev\"")
    });
    (page, link)
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::channels::mastodon::fake::serve::Params;

    #[test]
    fn each_kind_of_place_gives_its_page() {
        let ids: Vec<u64> = (1..=10).rev().collect();
        let ask = |query: &str| page(&ids, &Params::of_query(query), 40, 3, "http://x/y");
        assert_eq!(ask("").0, [10, 9, 8]);
        assert_eq!(ask("max_id=8").0, [7, 6, 5]);
        assert_eq!(ask("since_id=2").0, [10, 9, 8], "the newest, with a gap");
        assert_eq!(ask("min_id=2").0, [5, 4, 3], "the next ones, without a gap");
        assert_eq!(ask("min_id=10"), (Vec::new(), None));
        assert_eq!(
            ask("limit=1&types[]=a").1.unwrap(),
            "<http://x/y?max_id=10&limit=1&types%5B%5D=a>; rel=\"next\", <http://x/y?min_id=10&limit=1&types%5B%5D=a>; rel=\"prev\""
        );
    }
}
