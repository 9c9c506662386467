//! Lists, counters, search and the board over a million conversations.

use std::time::{Duration, Instant};

use balie::desk::Viewer;
use balie::model::Status;
use balie::store::list::{Assignee, Filter, Page, Seek};

use crate::many::Many;
use crate::report::{Report, ms, p95};
use crate::support::Engine;

const PAGE: i64 = 50;
const TIMES: usize = 200;
/// A list that is far too slow must not keep the others waiting.
const LONGEST: Duration = Duration::from_secs(10);

pub async fn measure(engine: Engine, report: &mut Report) {
    let began = Instant::now();
    let many = Many::make(engine).await;
    println!("({}: a million conversations in {:.0} s)", crate::name(engine), began.elapsed().as_secs_f64());
    let f = &many.f;
    let desk = &f.desk;
    let daan = desk.viewer(f.daan.user_id).await.unwrap().unwrap();
    let all = |status| Filter { status: Some(status), ..Filter::default() };
    let open = || all(Status::Open);
    let named = |what: &str| format!("{what}/{}", crate::name(engine));

    let first = page(&many, &f.chief, &open(), None).await;
    report.below(named("list_page_p95"), first, "ms", 10.0);
    let deep = seek(&many, &open(), 999).await;
    let (first, thousandth) = by_turns(&many, &open(), deep).await;
    report.at_most(named("list_page_1000"), thousandth, "ms", first, 1.5);
    let deep = seek(&many, &all(Status::Closed), 999).await;
    let (first, thousandth) = by_turns(&many, &all(Status::Closed), deep).await;
    report.at_most(named("list_page_1000/closed"), thousandth, "ms", first, 1.5);

    let lists: Vec<(&str, &Viewer, Filter)> = vec![
        ("all statuses", &f.chief, Filter::default()),
        ("closed", &f.chief, all(Status::Closed)),
        ("mine", &f.sanne, Filter { assignee: Some(Assignee::User(f.sanne.user_id)), ..open() }),
        ("mine, few", &f.chief, Filter { assignee: Some(Assignee::User(f.chief.user_id)), ..open() }),
        ("agent, closed", &f.chief, Filter { assignee: Some(Assignee::User(many.agent)), ..all(Status::Closed) }),
        ("unassigned", &f.chief, Filter { assignee: Some(Assignee::Nobody), ..open() }),
        ("team", &f.chief, Filter { team: Some(many.team), ..open() }),
        ("team, closed", &f.chief, Filter { team: Some(many.team), ..all(Status::Closed) }),
        ("large account", &f.chief, Filter { account: Some(many.large), ..open() }),
        ("small account", &f.chief, Filter { account: Some(many.small), ..open() }),
        ("small account, closed", &f.chief, Filter { account: Some(many.small), ..all(Status::Closed) }),
        ("channel", &f.chief, Filter { channel: Some("bluesky".to_owned()), ..open() }),
        ("lane", &f.chief, Filter { lane: Some(balie::model::Lane::Private), ..all(Status::Closed) }),
        ("common tag", &f.chief, Filter { tag: Some(many.common), ..open() }),
        ("rare tag", &f.chief, Filter { tag: Some(many.rare), ..open() }),
        ("rare tag, closed", &f.chief, Filter { tag: Some(many.rare), ..all(Status::Closed) }),
        ("problems", &f.chief, Filter { delivery_problem: true, ..open() }),
        ("restricted agent", &daan, open()),
        ("restricted agent, closed", &daan, all(Status::Closed)),
        ("search, one hit", &f.chief, Filter { words: Some("bestelling 777773".to_owned()), ..Filter::default() }),
        ("search, open, many hits", &f.chief, Filter { words: Some("onderweg".to_owned()), ..open() }),
        ("search, many hits", &f.chief, Filter { words: Some("mijn pakket".to_owned()), ..Filter::default() }),
        ("search, restricted", &daan, Filter { words: Some("49 dagen".to_owned()), ..Filter::default() }),
    ];
    for (what, viewer, filter) in lists {
        let bound = if filter.words.is_some() { 100.0 } else { 10.0 };
        let spent = page(&many, viewer, &filter, None).await;
        report.below(named(&format!("list: {what}")), spent, "ms", bound);
    }
    for (what, viewer) in [("all", &f.chief), ("restricted", &daan)] {
        let spent = timed(|| async { drop(desk.counts(viewer).await.unwrap()) }).await;
        report.plain(named(&format!("counts: {what}")), spent, "ms");
    }
    let nobody = std::collections::HashSet::new();
    let spent = timed(|| async { drop(desk.load_now(&nobody).await.unwrap()) }).await;
    report.plain(named("board, 100,000 open"), spent, "ms");
    let spent = timed(|| async {
        let _ = desk.store().next_in_queue(None, f.daan.user_id, &[]).await.unwrap();
    })
    .await;
    report.plain(named("next in queue"), spent, "ms");
    let tick = timed(|| async { balie::work::timers::tick(desk).await.unwrap() }).await;
    report.plain(named("timers, nothing due"), tick, "ms");
    f.store.close().await;
}

async fn list(many: &Many, viewer: &Viewer, filter: &Filter, after: Option<Seek>) -> Page {
    many.f.desk.list(viewer, filter.clone(), after, PAGE).await.unwrap()
}

async fn page(many: &Many, viewer: &Viewer, filter: &Filter, after: Option<Seek>) -> f64 {
    timed(|| async { drop(list(many, viewer, filter, after).await) }).await
}

/// The place where page `pages + 1` begins.
async fn seek(many: &Many, filter: &Filter, pages: usize) -> Option<Seek> {
    let mut after = None;
    for _ in 0..pages {
        after = list(many, &many.f.chief, filter, after).await.next;
        assert!(after.is_some(), "there are fewer pages");
    }
    after
}

/// The first page and a deep one, one after the other, so that both see the same machine.
async fn by_turns(many: &Many, filter: &Filter, deep: Option<Seek>) -> (f64, f64) {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        drop(list(many, &many.f.chief, filter, None).await);
        first.push(began.elapsed());
        let began = Instant::now();
        drop(list(many, &many.f.chief, filter, deep).await);
        later.push(began.elapsed());
    }
    (p95(first), p95(later))
}

/// The p95 of many calls, after some to warm up.
async fn timed<F: Future<Output = ()>>(mut call: impl FnMut() -> F) -> f64 {
    let began = Instant::now();
    let mut spent = Vec::new();
    for i in 0..TIMES + 10 {
        let one = Instant::now();
        call().await;
        if i >= 10 || one.elapsed() > LONGEST / 10 {
            spent.push(one.elapsed());
        }
        if began.elapsed() > LONGEST {
            break;
        }
    }
    if spent.is_empty() { ms(began.elapsed()) } else { p95(spent) }
}
