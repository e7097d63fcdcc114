use std::net::IpAddr;

use rustls_pki_types::CertificateDer;

use super::{super::scripted::*, *};
use crate::ServerName;

const NAME: &str = "a.example";
const DAY: Duration = Duration::from_secs(86_400);

/// A verifier that accepts this path, and a cache over it.
fn cache_of(path: &[CertificateDer<'static>]) -> (Arc<Scripted>, Cached) {
    let inner = Arc::new(Scripted::accepting(path));
    (inner.clone(), Cached::new(inner, Cached::DEFAULT_CAPACITY).unwrap())
}

fn counts(cache: &Cached) -> (u64, u64) {
    (cache.hits(), cache.misses())
}

#[test]
fn an_accepted_chain_is_not_asked_about_again() {
    for slow in [false, true] {
        let path = path();
        let inner = Arc::new(Scripted::accepting(&path).slow(slow));
        let cache = cached(inner.clone(), 4).unwrap();
        let now = SystemTime::now();
        for count in 0..5 {
            let answer = verdict(&*cache, &path[..2], NAME, now).unwrap();
            assert_eq!(
                (answer.path(), answer.reaches_root()),
                (&path[..], true),
                "the verdict as it was made"
            );
            assert_eq!((inner.asked(), counts(&cache)), (1, (count, 1)));
        }
    }
}

#[test]
fn a_refusal_is_never_kept() {
    let path = path();
    let (inner, cache) = cache_of(&path);
    let now = SystemTime::now();
    inner.answer(Err(CertificateError::UnknownIssuer));
    for count in 1..4 {
        assert!(verdict(&cache, &path, NAME, now).is_err());
        assert_eq!((inner.asked(), counts(&cache)), (count, (0, count as u64)));
    }
    // Nor does one that was refused stand in the way of a later verdict.
    inner.answer(Ok(VerifiedChain::new(path.to_vec())));
    assert!(verdict(&cache, &path, NAME, now).is_ok());
    assert!(verdict(&cache, &path, NAME, now).is_ok());
    assert_eq!(inner.asked(), 4);
}

#[test]
fn another_question_is_asked() {
    let (path, other) = (path(), path());
    let dns = |name: &str| ServerName::Dns(name.into());
    let ip = |text: &str| ServerName::Ip(text.parse::<IpAddr>().unwrap());
    let names = [dns("a.example"), dns("b.example"), dns("192.0.2.1"), ip("192.0.2.1"), ip("2001:db8::1")];
    let [leaf, intermediate, root] = path.clone();
    let chains = [
        vec![leaf.clone()],
        vec![leaf.clone(), intermediate.clone()],
        vec![leaf.clone(), intermediate.clone(), root.clone()],
        vec![leaf.clone(), root.clone(), intermediate.clone()],
        vec![leaf.clone(), intermediate.clone(), intermediate.clone()],
        vec![intermediate.clone(), leaf.clone()],
        vec![[leaf.as_ref(), &intermediate].concat().into()],
        other.to_vec(),
    ];
    let responses = [None, Some(b"".as_slice()), Some(b"one"), Some(b"two"), Some(intermediate.as_ref())];
    let (inner, cache) = cache_of(&path);
    let ask = |count| {
        let mut questions = 0;
        for chain in &chains {
            for response in responses {
                let peers = names.iter().map(ExpectedPeer::Server).chain([ExpectedPeer::Client]);
                for peer in peers {
                    verdict_for(&cache, chain, response, &peer, SystemTime::now()).unwrap();
                    questions += 1;
                    assert_eq!(inner.asked(), count + questions, "{peer:?}, {response:?}, {}", chain.len());
                }
            }
        }
        questions
    };
    let questions = ask(0);
    assert_eq!(questions, 240);
    assert_eq!(cache.with_entries(|entries| entries.sizes().0), questions);
    // A new revision, and it is all asked anew.
    inner.set_revision(Some(1));
    ask(questions);
}

#[test]
fn within_the_validity_of_the_whole_path_and_no_longer() {
    // Each certificate in turn is the one that expires first.
    for first in 0..3 {
        let mut days = [(-30, 30); 3];
        days[first].1 = 10;
        let path = path_valid(days);
        let inner = Arc::new(Scripted::accepting(&path));
        let cache = Cached::new(inner.clone(), 4).unwrap().with_max_age(100 * DAY);
        let now = SystemTime::now();
        verdict(&cache, &path, NAME, now).unwrap();
        for (later, asked) in [
            (9 * DAY, 1),
            (10 * DAY - Duration::from_secs(60), 1),
            (10 * DAY + Duration::from_secs(60), 2),
            (11 * DAY, 3),
        ] {
            verdict(&cache, &path, NAME, now + later).unwrap();
            assert_eq!(inner.asked(), asked, "certificate {first}, {later:?} later");
        }
    }
    // A verifier may accept a root that is not valid yet, or no longer; that is not kept.
    for days in [(1, 2), (-2, -1)] {
        let path = path_valid([(-30, 30), (-30, 30), days]);
        let (inner, cache) = cache_of(&path);
        for asked in 1..3 {
            verdict(&cache, &path, NAME, SystemTime::now()).unwrap();
            assert_eq!(inner.asked(), asked, "{days:?}");
        }
    }
}

#[test]
fn not_at_a_time_before_the_verdicts_own() {
    let path = path();
    let (inner, cache) = cache_of(&path);
    let now = SystemTime::now();
    verdict(&cache, &path, NAME, now).unwrap();
    verdict(&cache, &path, NAME, now - Duration::from_secs(1)).unwrap();
    assert_eq!(inner.asked(), 2, "the clock went back");
    verdict(&cache, &path, NAME, now).unwrap();
    assert_eq!(inner.asked(), 2, "and the verdict of then holds from then on");
    verdict(&cache, &path, NAME, now - 29 * DAY).unwrap();
    verdict(&cache, &path, NAME, now).unwrap();
    assert_eq!(inner.asked(), 4, "and no longer than for an hour");
}

#[test]
fn no_longer_than_its_max_age() {
    let path = path();
    let (inner, hour) = cache_of(&path);
    let minute = Cached::new(inner.clone(), 4).unwrap().with_max_age(Duration::from_secs(60));
    let never = Cached::new(inner.clone(), 4).unwrap().with_max_age(Duration::ZERO);
    let forever = Cached::new(inner.clone(), 4).unwrap().with_max_age(Duration::MAX);
    let now = SystemTime::now();
    for (cache, seconds) in [(hour, 3600), (minute, 60), (never, 0)] {
        verdict(&cache, &path, NAME, now).unwrap();
        let asked = inner.asked();
        verdict(&cache, &path, NAME, now + Duration::from_secs(seconds)).unwrap();
        assert_eq!(inner.asked(), asked);
        verdict(&cache, &path, NAME, now + Duration::from_secs(seconds + 1)).unwrap();
        assert_eq!(inner.asked(), asked + 1);
    }
    // A time that cannot be told is no reason to panic, nor to keep anything for ever.
    verdict(&forever, &path, NAME, now).unwrap();
    verdict(&forever, &path, NAME, now).unwrap();
    assert_eq!(counts(&forever), (0, 2));
}

#[test]
fn what_holds_nobody_knows_how_long_is_not_kept() {
    let path = path();
    let garbage = CertificateDer::from(vec![0x30, 0]);
    for answer in [
        VerifiedChain::partial(path.to_vec()),
        VerifiedChain::new(vec![garbage.clone()]),
        VerifiedChain::new(vec![path[0].clone(), path[1].clone(), garbage]),
    ] {
        let inner = Arc::new(Scripted::answering(Ok(answer)));
        let cache = Cached::new(inner.clone(), 4).unwrap();
        for asked in 1..3 {
            verdict(&cache, &path, NAME, SystemTime::now()).unwrap();
            assert_eq!((inner.asked(), cache.hits()), (asked, 0));
        }
    }
}

#[test]
fn a_new_revision_empties_it() {
    let path = path();
    let (inner, cache) = cache_of(&path);
    let now = SystemTime::now();
    for name in ["a.example", "b.example", "c.example"] {
        verdict(&cache, &path, name, now).unwrap();
    }
    assert_eq!(cache.with_entries(|entries| entries.sizes().0), 3);
    inner.set_revision(Some(1));
    inner.answer(Err(CertificateError::UnknownIssuer));
    assert!(verdict(&cache, &path, "a.example", now).is_err(), "a root that is gone is gone at once");
    assert_eq!(cache.with_entries(|entries| entries.sizes()), (0, 0));
    // Even if it should come back, what was known of it does not.
    inner.set_revision(Some(0));
    assert!(verdict(&cache, &path, "b.example", now).is_err());
}

#[test]
fn a_verdict_in_whose_midst_the_revision_changes_is_not_kept() {
    for slow in [false, true] {
        let path = path();
        let inner = Arc::new(Scripted::accepting(&path).slow(slow));
        let cache = Cached::new(inner.clone(), 4).unwrap();
        inner.change_revision_while_asked(1);
        for (asked, hits) in [(1, 0), (2, 0), (2, 1)] {
            verdict(&cache, &path, NAME, SystemTime::now()).unwrap();
            assert_eq!((inner.asked(), cache.hits()), (asked, hits));
            assert_eq!(cache.with_entries(|entries| entries.sizes().0), asked - 1);
        }
    }
}

#[test]
fn without_a_revision_nothing_is_used_or_kept() {
    let path = path();
    let (inner, cache) = cache_of(&path);
    let ask = || verdict(&cache, &path, NAME, SystemTime::now()).map(|_| inner.asked()).unwrap();
    assert_eq!([ask(), ask()], [1, 1]);
    assert_eq!(cache.revision(), Some(0));
    inner.set_revision(None);
    assert_eq!([ask(), ask()], [2, 3]);
    assert_eq!(cache.revision(), None);
    // It comes to have none, or one, while it is asked.
    inner.change_revision_while_asked(5);
    assert_eq!([ask(), ask(), ask()], [4, 5, 5]);
}

#[test]
fn a_verifier_without_a_revision_cannot_be_cached() {
    let inner = Arc::new(Scripted::accepting(&path()).of_revision(None));
    let error = cached(inner, 4).unwrap_err();
    assert!(error.to_string().contains("put the cache beneath with_revocation"), "{error}");
    let error = cached(Arc::new(Scripted::accepting(&path())), 0).unwrap_err();
    assert!(error.to_string().contains("leave the cache out"), "{error}");
}

#[test]
fn the_least_recently_used_goes_first() {
    let path = path();
    let inner = Arc::new(Scripted::accepting(&path));
    let cache = Cached::new(inner.clone(), 2).unwrap();
    let now = SystemTime::now();
    let known = |name| {
        let before = inner.asked();
        verdict(&cache, &path, name, now).unwrap();
        inner.asked() == before
    };
    assert_eq!([known("a.example"), known("b.example")], [false, false]);
    assert!(known("a.example"));
    assert!(!known("c.example"), "b was not used since, and makes room");
    assert_eq!([known("a.example"), known("c.example")], [true, true]);
    assert!(!known("b.example"));
    assert_eq!(cache.with_entries(|entries| entries.sizes().0), 2);
}

#[test]
fn bytes_are_bounded_too() {
    let path = path();
    let inner = Arc::new(Scripted::accepting(&path));
    let one = {
        let cache = Cached::new(inner.clone(), 1).unwrap();
        verdict(&cache, &path, NAME, SystemTime::now()).unwrap();
        cache.with_entries(|entries| entries.sizes().1)
    };
    assert!(one >= path.iter().map(|certificate| certificate.len()).sum());
    for (max_bytes, most) in [(0, 0), (one - 1, 0), (one, 1), (3 * one + 1, 3)] {
        let cache = Cached::new(inner.clone(), 100).unwrap().with_max_bytes(max_bytes);
        for name in 0..10 {
            verdict(&cache, &path, &format!("n{name}.example"), SystemTime::now()).unwrap();
            let (count, bytes) = cache.with_entries(|entries| entries.sizes());
            assert!(bytes <= max_bytes && count <= most && bytes == count * one);
        }
        assert_eq!(cache.with_entries(|entries| entries.sizes().0), most);
        // One that is put in again counts once.
        let again = SystemTime::now() - Duration::from_secs(1);
        verdict(&cache, &path, "n9.example", again).unwrap();
        assert_eq!(cache.with_entries(|entries| entries.sizes()), (most, most * one));
    }
    // A capacity beyond what memory holds sets no room aside.
    assert!(Cached::new(inner, usize::MAX).is_ok());
}

#[test]
fn many_threads_may_ask_at_once() {
    let paths: Vec<_> = (0..4).map(|_| path()).collect();
    let inner = Arc::new(Scripted::accepting(&paths[0]));
    let cache = cached(inner.clone(), 3).unwrap();
    let now = SystemTime::now();
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let (cache, paths) = (&cache, &paths);
            scope.spawn(move || {
                for turn in 0..200 {
                    verdict(&**cache, &paths[(thread + turn) % 4], NAME, now).unwrap();
                }
            });
        }
    });
    assert_eq!(cache.hits() + cache.misses(), 800);
    assert_eq!(cache.misses(), inner.asked() as u64);
    assert_eq!(cache.with_entries(|entries| entries.sizes().0), 3);
}

#[test]
fn a_panic_elsewhere_leaves_it_usable() {
    let path = path();
    let (inner, cache) = cache_of(&path);
    verdict(&cache, &path, NAME, SystemTime::now()).unwrap();
    let panicked =
        std::thread::scope(|scope| scope.spawn(|| cache.with_entries(|_| panic!("on purpose"))).join());
    assert!(panicked.is_err());
    verdict(&cache, &path, NAME, SystemTime::now()).unwrap();
    assert_eq!(inner.asked(), 1);
    assert!(format!("{cache:?}").contains("hits: 1"));
}
