//! Names that are stored: renaming one would leave rows behind that nobody handles any more.

mod harness;

use harness::{App, dialling};
use nmc_db::{Db, PoolSettings, Wakes};

#[tokio::test]
async fn names_of_consumers_timers_and_effects_stay_what_they_are() {
    let app = App::start(dialling()).await;
    assert_eq!(
        app.modules.consumers().names(),
        [
            "conversation.answer-call",
            "conversation.close-opted-out",
            "conversation.drop-reminder",
            "conversation.move-reminder",
            "conversation.set-reminder",
            "conversation.take-text",
            "conversation.unblock",
        ]
    );
    assert_eq!(
        app.timers.kinds(),
        [
            "conversation.close",
            "conversation.nudge",
            "conversation.override-window",
            "conversation.reminder",
            "conversation.unblock",
            "conversation.unblock-all",
            "retention.sweep",
            "scheduling.hold-expiry",
            "telephony.call-ended",
            "telephony.call-undecided"
        ]
    );
    assert_eq!(app.effects.kinds(), ["call-status", "clerk-invitation", "clerk-invitation-revoke", "sms"]);
}

#[tokio::test]
async fn a_role_that_passes_by_row_security_is_told_from_the_services_own() {
    let app = App::start(dialling()).await;
    let behind = async |url: &str| {
        let db = Db::new(url, PoolSettings::default(), Wakes::new()).unwrap();
        nmc_db::is_behind_the_wall(&db).await.unwrap()
    };
    assert!(behind(&app.database.app_url()).await);
    assert!(behind(&app.database.dispatcher_url()).await);
    assert!(!behind(&app.database.owner_url()).await);
    assert!(!behind(&app.database.superuser_url()).await);
    assert!(!behind(&app.database.url("nmc_backup")).await);
}
