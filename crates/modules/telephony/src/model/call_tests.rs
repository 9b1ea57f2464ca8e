use proptest::prelude::*;

use super::*;

const SHORT: Rules = Rules { short_completed_below_seconds: Some(10) };
const PLAIN: Rules = Rules { short_completed_below_seconds: None };

fn dial(whisper: bool) -> Way {
    Way::Dial { to: E164::parse("+14155550123").unwrap(), whisper }
}

fn ways() -> [Way; 4] {
    [dial(true), dial(false), Way::Forwarded, Way::StatusOnly]
}

fn status(word: &str, duration_seconds: Option<u32>) -> Report {
    Report::Status { status: CallStatus::parse(word).unwrap(), duration_seconds }
}

fn dialled(word: &str) -> Report {
    Report::DialEnded(DialStatus::parse(word).unwrap())
}

/// Every report there is, with a word that Twilio does not have.
fn reports() -> Vec<Report> {
    let mut all = vec![Report::Arrived, Report::PickedUp, Report::GraceOver, Report::GivenUp];
    all.extend([true, false].map(|accepted| Report::Pressed { accepted }));
    all.extend(["completed", "answered", "busy", "no-answer", "failed", "canceled", "teleported"].map(dialled));
    all.extend(
        ["queued", "initiated", "ringing", "in-progress", "busy", "no-answer", "failed", "canceled", "teleported"]
            .map(|word| status(word, None)),
    );
    all.extend([None, Some(4), Some(10), Some(90)].map(|duration| status("completed", duration)));
    all
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::seconds(seconds)
}

/// Applies the reports one second apart.
fn fold(way: Way, rules: Rules, reports: &[Report]) -> (CallState, Vec<FollowUp>) {
    let mut state = CallState::new(way);
    let mut follow_ups = Vec::new();
    for (second, report) in (0..).zip(reports) {
        let (next, caused) = state.apply(report, rules, at(second));
        state = next;
        follow_ups.extend(caused);
    }
    (state, follow_ups)
}

fn outcome(way: Way, reports: &[Report]) -> Outcome {
    fold(way, PLAIN, reports).0.outcome
}

fn missed(reason: MissedReason) -> Outcome {
    Outcome::Missed(reason)
}

#[test]
fn a_dialled_call_is_missed_as_the_dial_says() {
    for whisper in [true, false] {
        for (word, reason) in [
            ("no-answer", MissedReason::NoAnswer),
            ("busy", MissedReason::Busy),
            ("failed", MissedReason::Failed),
            ("canceled", MissedReason::Canceled),
        ] {
            let heard = [Report::Arrived, status("ringing", None), dialled(word), status("completed", Some(20))];
            assert_eq!(outcome(dial(whisper), &heard), missed(reason), "{word}");
        }
    }
}

#[test]
fn with_a_whisper_only_a_key_accepts() {
    let picked_up = [Report::Arrived, Report::PickedUp];
    let after = |more: &[Report]| outcome(dial(true), &[&picked_up, more].concat());
    assert_eq!(after(&[Report::Pressed { accepted: true }]), Outcome::Accepted);
    assert_eq!(after(&[Report::Pressed { accepted: true }, dialled("completed")]), Outcome::Accepted);
    assert_eq!(after(&[]), Outcome::Open);
    assert_eq!(after(&[Report::Pressed { accepted: false }]), Outcome::Open);
    // A voicemail: it answers, presses nothing, and is hung up. Twilio may call that either.
    for word in ["completed", "answered", "no-answer"] {
        assert_eq!(after(&[dialled(word)]), missed(MissedReason::NotAccepted), "{word}");
    }
    assert_eq!(after(&[dialled("canceled")]), missed(MissedReason::Canceled));
    assert_eq!(outcome(dial(true), &[dialled("completed")]), missed(MissedReason::NotAccepted));
}

#[test]
fn without_a_whisper_an_answer_accepts() {
    assert_eq!(outcome(dial(false), &[Report::Arrived, dialled("completed")]), Outcome::Accepted);
    assert_eq!(outcome(dial(false), &[Report::Arrived, dialled("answered")]), Outcome::Accepted);
}

#[test]
fn a_caller_who_hangs_up_is_missed_after_the_grace() {
    let ended = [Report::Arrived, status("completed", Some(4))];
    let (state, follow_ups) = fold(dial(true), PLAIN, &ended);
    assert_eq!(follow_ups, [FollowUp::AwaitDialStatus(at(1) + END_GRACE)]);
    assert_eq!(state.apply(&Report::GraceOver, PLAIN, at(3)), (state.clone(), vec![]));
    let (over, follow_ups) = state.apply(&Report::GraceOver, PLAIN, at(4));
    assert_eq!(over.outcome, missed(MissedReason::Canceled));
    assert_eq!(follow_ups, [FollowUp::Announce(MissedReason::Canceled)]);
    // A repetition of the end does not start the wait again, and a dial status within it decides.
    assert_eq!(state.apply(&status("completed", Some(4)), PLAIN, at(2)), (state.clone(), vec![]));
    let (_, follow_ups) = state.apply(&dialled("busy"), PLAIN, at(2));
    assert_eq!(follow_ups, [FollowUp::StopAwaiting, FollowUp::Announce(MissedReason::Busy)]);
}

#[test]
fn a_forwarded_call_is_always_missed() {
    assert_eq!(outcome(Way::Forwarded, &[Report::Arrived]), missed(MissedReason::Forwarded));
    assert_eq!(outcome(Way::Forwarded, &[status("completed", Some(90))]), missed(MissedReason::Forwarded));
    assert_eq!(outcome(Way::Forwarded, &[status("in-progress", None)]), Outcome::Open);
}

#[test]
fn where_only_the_status_is_known_it_decides() {
    let only = |word: &str| outcome(Way::StatusOnly, &[status(word, None)]);
    assert_eq!(only("no-answer"), missed(MissedReason::NoAnswer));
    assert_eq!(only("busy"), missed(MissedReason::Busy));
    assert_eq!(only("failed"), missed(MissedReason::Failed));
    assert_eq!(only("canceled"), missed(MissedReason::Canceled));
    assert_eq!(only("completed"), Outcome::Accepted);
    for word in ["queued", "initiated", "ringing", "in-progress", "teleported"] {
        assert_eq!(only(word), Outcome::Open, "{word}");
    }
}

#[test]
fn short_calls_count_as_missed_only_where_the_flag_says_so() {
    let completed = |rules, seconds| fold(Way::StatusOnly, rules, &[status("completed", seconds)]).0.outcome;
    assert_eq!(completed(SHORT, Some(9)), missed(MissedReason::ShortComplete));
    assert_eq!(completed(SHORT, Some(10)), Outcome::Accepted);
    assert_eq!(completed(SHORT, None), Outcome::Accepted);
    assert_eq!(completed(PLAIN, Some(1)), Outcome::Accepted);
    // Where the dial tells whether somebody answered, the duration says nothing.
    assert_eq!(fold(dial(false), SHORT, &[status("completed", Some(1))]).0.outcome, Outcome::Open);
}

fn announcements(follow_ups: &[FollowUp]) -> usize {
    follow_ups.iter().filter(|effect| matches!(effect, FollowUp::Announce(_))).count()
}

/// What must hold for whatever is reported in whatever order.
fn check(way: &Way, rules: Rules, heard: &[Report]) {
    let mut state = CallState::new(way.clone());
    let mut announced = 0;
    for (second, report) in (0..).zip(heard) {
        let (next, follow_ups) = state.apply(report, rules, at(second));
        announced += announcements(&follow_ups);
        let is_unknown = matches!(report, Report::Status { status: CallStatus::Other(_), .. })
            || matches!(report, Report::DialEnded(DialStatus::Other(_)));
        if is_unknown {
            assert_eq!((&next, follow_ups.len()), (&state, 0), "an unknown word changes nothing: {heard:?}");
        }
        if state.outcome != Outcome::Open {
            assert_eq!(next.outcome, state.outcome, "the first decisive report wins: {heard:?}");
            assert!(follow_ups.is_empty(), "nothing follows a decision: {heard:?}");
        }
        // Again at once: the same state, and nothing follows a second time.
        assert_eq!(next.apply(report, rules, at(second)), (next.clone(), vec![]), "{heard:?}");
        state = next;
    }
    let is_missed = matches!(state.outcome, Outcome::Missed(_));
    assert_eq!(announced, usize::from(is_missed), "announced exactly when missed: {way:?} {heard:?}");

    // Nothing stays open for ever once the caller's leg is known to be over.
    let (last, follow_ups) = state.apply(&Report::GraceOver, rules, at(3_600));
    if state.ended_at.is_some() {
        assert_ne!(last.outcome, Outcome::Open, "{way:?} {heard:?}");
    }
    assert!(announced + announcements(&follow_ups) <= 1);
}

#[test]
fn every_sequence_of_up_to_three_reports() {
    let all = reports();
    for way in ways() {
        for rules in [PLAIN, SHORT] {
            for first in &all {
                for second in &all {
                    for third in &all {
                        check(&way, rules, &[first.clone(), second.clone(), third.clone()]);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_any_repetition_any_subset(
        picks in prop::collection::vec(0_usize..25, 0..24), way in 0_usize..4, short in any::<bool>(),
    ) {
        let all = reports();
        let heard: Vec<Report> = picks.iter().map(|&pick| all[pick].clone()).collect();
        check(&ways()[way], if short { SHORT } else { PLAIN }, &heard);
    }
}
