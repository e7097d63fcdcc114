use std::sync::Mutex;

use super::{super::scripted::*, *};

#[test]
fn a_refusal_is_told_and_accepted() {
    for slow in [false, true] {
        let told = Arc::new(Mutex::new(Vec::new()));
        let inner = Arc::new(Scripted::refusing(CertificateError::WrongUsage).slow(slow));
        let verifier = DangerReportOnly::new(inner.clone()).on_refusal({
            let told = told.clone();
            move |reason, chain, peer| {
                let end_entity = chain.end_entity.clone().into_owned();
                told.lock().unwrap().push((reason.clone(), end_entity, format!("{peer:?}")));
            }
        });
        let path = path();
        let (answer, log) = logged(|| verdict(&verifier, &path, "a.example", SystemTime::now()));
        let answer = answer.unwrap();
        assert_eq!(answer.path(), &path[..1], "nobody has verified more than that it was presented");
        assert!(!answer.reaches_root());
        for part in ["WARN", "polytls::verifier", "extended key usage", "the end entity", "a.example"] {
            assert!(log.contains(part), "{part} is missing: {log}");
        }
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!((&told[0].0, &told[0].1), (&CertificateError::WrongUsage, &path[0]));
        assert!(told[0].2.contains("a.example"));
    }
}

#[test]
fn what_is_accepted_is_not_worth_a_word() {
    let path = path();
    let verifier = danger_report_only(Arc::new(Scripted::accepting(&path)));
    let (answer, log) = logged(|| verdict(&*verifier, &path[..1], "a.example", SystemTime::now()));
    let answer = answer.unwrap();
    assert_eq!((answer.path(), answer.reaches_root()), (&path[..], true));
    assert!(log.is_empty(), "{log}");
}

#[test]
fn without_a_callback_the_log_alone_is_told() {
    let verifier = danger_report_only(Arc::new(Scripted::refusing(CertificateError::SelfSigned)));
    let (answer, log) = logged(|| verdict(&*verifier, &path(), "a.example", SystemTime::now()));
    assert!(answer.is_ok() && log.contains("self-signed"), "{log}");
    assert!(format!("{verifier:?}").contains("DangerReportOnly"));
}

#[test]
fn its_verdicts_cannot_be_kept() {
    let verifier = danger_report_only(Arc::new(Scripted::accepting(&path()).of_revision(Some(1))));
    assert_eq!(verifier.revision(), None);
    assert!(crate::cached(verifier, 1).is_err());
}
