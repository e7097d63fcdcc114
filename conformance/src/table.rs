//! The table of all behaviours: the one list from which the table and the tests are made.

use crate::Behaviour;

/// Hands the list to another macro of this crate: areas, and in each the behaviours with what they assert.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_behaviour {
    ($callback:ident) => {
        $crate::$callback! {
            negotiation {
                tls13_is_chosen_where_both_can:
                    "TLS 1.3 is chosen where both can";
                tls12_is_chosen_where_it_alone_is_allowed:
                    "TLS 1.2 is chosen where it alone is allowed";
                an_older_server_brings_the_client_down_to_tls12:
                    "with a server of TLS 1.2, a client of both versions speaks TLS 1.2";
                an_older_client_brings_the_server_down_to_tls12:
                    "with a client of TLS 1.2, a server of both versions speaks TLS 1.2";
                no_common_version_is_an_error_on_both_sides:
                    "without a common version both sides fail, and the client is told";
                each_cipher_suite_can_be_the_only_one:
                    "each suite that both declare can be chosen alone, and is reported";
                no_common_suite_is_an_error_on_both_sides:
                    "without a common suite both sides fail, with handshake_failure";
                each_named_group_can_be_the_only_one:
                    "each group that both declare can be chosen alone, and is reported";
                no_common_group_is_an_error_on_both_sides:
                    "without a common group both sides fail, with handshake_failure";
                a_hello_retry_request_leads_to_the_servers_group:
                    "where the client guessed another group, a second hello finds the server's";
                a_signature_scheme_not_accepted_is_not_used:
                    "a server that cannot sign as the client accepts is not connected to";
                both_sides_report_the_same:
                    "both sides report the same version, suite, group, protocol and resumption";
                only_suites_with_an_aead_and_ephemeral_keys_are_chosen:
                    "by default only suites with an AEAD and ephemeral keys are chosen";
                an_identity_may_have_a_key_of_any_kind:
                    "P-256, P-384, Ed25519 and RSA identities serve wherever both declare their schemes";
                the_backend_that_ran_is_named:
                    "a connection says which backend ran it";
                the_bytes_of_a_handshake_are_counted:
                    "the bytes that a handshake sent and received are counted";
            }
            application_protocols {
                a_common_protocol_is_chosen:
                    "ALPN chooses what both name";
                the_servers_order_decides:
                    "of several common protocols, the server's first is chosen";
                no_protocol_is_chosen_where_only_the_client_offers:
                    "where only the client names protocols, none is chosen";
                no_protocol_is_chosen_where_only_the_server_offers:
                    "where only the server names protocols, none is chosen";
                a_protocol_may_have_255_bytes:
                    "the longest name of a protocol is negotiated";
                no_common_protocol_is_an_error_on_both_sides:
                    "without a common protocol both sides fail, with no_application_protocol";
            }
            names {
                the_name_is_sent_and_reported_by_both:
                    "SNI carries the name, and both sides report it";
                sni_turned_off_sends_no_name_and_still_checks_it:
                    "without SNI no name is sent, and the certificate is held against it all the same";
                an_address_is_matched_and_never_sent_as_a_name:
                    "an IP address matches an iPAddress and is never sent as SNI";
                another_address_is_refused:
                    "a certificate for another address is a NameMismatch";
                an_address_as_text_in_a_dns_name_is_refused:
                    "an address as the text of a dNSName is no address";
                another_name_is_refused:
                    "a certificate for another name is a NameMismatch that gives the name";
                a_wildcard_stands_for_one_label:
                    "a wildcard stands for one label, not for none or two";
                names_are_compared_without_regard_to_case:
                    "names are compared without regard to case";
                a_common_name_is_no_name:
                    "a name in the subject's common name alone does not count";
                any_of_several_names_will_do:
                    "any name of several in the certificate will do";
            }
            certificates {
                expired_is_refused:
                    "an expired certificate is Expired, and the server is told";
                not_yet_valid_is_refused:
                    "a certificate of the future is NotYetValid, and the server is told";
                dates_in_errors_are_those_of_the_certificate:
                    "the dates in the error are the clock's and the certificate's";
                an_unknown_issuer_is_refused:
                    "a chain to an unknown root is UnknownIssuer, and the server is told";
                a_missing_intermediate_is_refused:
                    "a chain with a gap is UnknownIssuer, and the server is told";
                a_self_signed_one_is_refused:
                    "a self-signed certificate is SelfSigned, and the server is told";
                one_for_clients_is_refused_from_a_server:
                    "a client's certificate from a server is WrongUsage, and the server is told";
                a_bad_signature_is_refused:
                    "a changed signature is BadSignature, and the server is told";
                an_expired_intermediate_is_refused:
                    "an expired intermediate is Expired, and the server is told";
                an_issuer_that_is_no_authority_is_refused:
                    "an issuer that is no authority is EndEntityUsedAsCa";
                a_name_outside_an_issuers_constraints_is_refused:
                    "a name outside an issuer's constraints is ConstraintViolated";
                a_path_longer_than_an_issuer_allows_is_refused:
                    "a path longer than an issuer allows is ConstraintViolated";
                intermediates_lead_to_the_root:
                    "a chain over two intermediates is accepted";
                a_name_within_an_issuers_constraints_is_accepted:
                    "a name within an issuer's constraints is accepted";
                a_stranger_in_the_chain_does_no_harm:
                    "an unrelated certificate in the chain does no harm";
                a_chain_longer_than_a_record_is_accepted:
                    "a chain that fills more than a record is accepted";
                a_self_signed_one_among_the_roots_is_accepted:
                    "a self-signed certificate is accepted where it is a root itself";
                given_roots_replace_every_other:
                    "explicit roots replace every other, and several are all trusted";
                the_systems_roots_do_not_know_a_stranger:
                    "the system's roots refuse a private authority";
                no_roots_at_all_is_an_error_of_configuration:
                    "an empty list of roots is NoRoots";
                a_key_of_another_certificate_is_an_error_of_configuration:
                    "a key of another certificate is KeyMismatch, on both sides";
                the_peers_chain_is_what_was_presented:
                    "the chain that is reported is the one that was presented";
            }
            client_authentication {
                a_client_that_is_not_asked_presents_nothing:
                    "mode none: a client with an identity presents nothing";
                a_client_that_is_asked_may_present_nothing:
                    "mode optional: a client without an identity is let in";
                a_client_that_is_asked_may_present_its_certificate:
                    "mode optional: a client's certificate is seen";
                a_client_that_must_present_its_certificate_does:
                    "mode required: a client's certificate is seen";
                a_clients_intermediates_lead_to_the_root:
                    "a client's chain over an intermediate is accepted";
                a_client_without_the_required_certificate_is_refused:
                    "mode required: no certificate is Missing, and the client is told";
                an_expired_client_is_refused:
                    "an expired client is Expired, and is told";
                a_client_not_yet_valid_is_refused:
                    "a client of the future is NotYetValid, and is told";
                a_client_of_an_unknown_issuer_is_refused:
                    "a client of an unknown root is UnknownIssuer, and is told";
                a_self_signed_client_is_refused:
                    "a self-signed client is SelfSigned, and is told";
                a_servers_certificate_from_a_client_is_refused:
                    "a server's certificate from a client is WrongUsage, and is told";
                a_client_with_a_bad_signature_is_refused:
                    "a client's changed signature is BadSignature, and is told";
                a_verifier_alone_decides_on_clients:
                    "a server's verifier alone decides on clients";
                who_the_client_is_survives_resumption:
                    "a second connection's server knows the client as well as the first's";
            }
            resumption {
                a_second_connection_resumes_the_first:
                    "a second connection resumes the first, in each version";
                a_third_connection_resumes_too:
                    "a third connection resumes too";
                a_session_is_resumed_without_insisting_where_both_can:
                    "sessions are resumed by default where both can";
                clones_of_a_connector_share_its_sessions:
                    "clones of a connector share its sessions";
                a_client_that_forbids_it_never_resumes:
                    "a client that forbids resumption never resumes";
                a_server_that_forbids_it_never_resumes:
                    "a server that forbids resumption never resumes";
                a_resumed_connection_has_its_application_protocol:
                    "a resumed connection has its application protocol";
                another_name_is_another_session:
                    "a session is never used under another name";
                a_stricter_configuration_never_resumes_a_looser_ones_session:
                    "a stricter configuration never resumes a looser one's session";
                sessions_belong_to_one_configuration:
                    "no configuration resumes another's session; the handshake is then full";
            }
            key_log {
                both_sides_log_the_same_traffic_secrets:
                    "TLS 1.3: both sides log the same four traffic secrets";
                both_sides_log_the_same_master_secret:
                    "TLS 1.2: both sides log the same master secret";
                each_configuration_logs_its_own_connections_only:
                    "a key log is told of its own configuration's connections only";
            }
            verifiers {
                a_verifier_alone_decides:
                    "the application's verifier alone decides";
                a_verifier_sees_the_chain_and_the_name:
                    "the verifier is asked once, with the chain and the name";
                a_verifiers_reason_is_the_error:
                    "the verifier's reason is the error, values and all, and the server is told";
                a_client_verifier_sees_the_chain_and_no_name:
                    "a server's verifier is asked once, with the client's chain";
                a_client_verifiers_reason_is_the_error:
                    "a server's verifier's reason is the error, and the client is told";
                the_servers_backend_verifies_under_the_clients_handshake:
                    "the server's backend's verifier works under the client's backend's handshake";
                a_verifier_on_its_own_finds_each_fault:
                    "a verifier on its own finds each fault as the handshake does";
                a_verifier_on_its_own_goes_by_the_time_it_is_given:
                    "a verifier goes by the time that it is given";
                two_backends_verifiers_that_must_agree:
                    "two backends' verifiers can be made to agree";
            }
            slow_verdicts {
                nothing_passes_before_a_slow_verdict_on_a_server:
                    "while a verdict on a server is pending, no side is done and nothing leaves";
                a_slow_refusal_of_a_server_ends_the_handshake:
                    "a slow refusal of a server ends the handshake with its reason";
                nothing_passes_before_a_slow_verdict_on_a_client:
                    "while a verdict on a client is pending, the server is not done";
                a_slow_refusal_of_a_client_ends_the_handshake:
                    "a slow refusal of a client ends the handshake with its reason";
                a_handshake_dropped_while_its_verifier_thinks_ends_the_peers:
                    "a handshake that is dropped at its verifier ends the peer's";
            }
            transfer {
                nothing_at_all:
                    "0 bytes in each direction, and the end";
                one_byte:
                    "1 byte in each direction";
                a_full_record:
                    "16 KiB in each direction";
                one_byte_more_than_a_record:
                    "16 KiB + 1 in each direction";
                seventeen_megabytes:
                    "17 MiB in each direction";
                both_directions_at_once_on_two_tasks:
                    "both directions at once, halves on two tasks";
                both_directions_at_once_through_tokios_split:
                    "both directions at once, through tokio::io::split";
                halves_become_a_stream_again:
                    "two halves become a stream again";
                vectored_writes:
                    "vectored writes, with empty and long slices";
                an_empty_write_sends_nothing:
                    "an empty write sends nothing, an empty read takes nothing";
                many_small_writes_and_reads:
                    "ping-pong, and a record read byte by byte";
                one_byte_at_a_time:
                    "a byte stream that moves one byte at a time";
                random_fragments:
                    "a byte stream that moves fragments of random length";
                a_pipe_that_holds_one_byte:
                    "a byte stream that holds one byte";
                wake_ups_for_nothing:
                    "a byte stream that wakes for nothing";
                back_pressure_reaches_the_writer:
                    "a writer whose peer does not read comes to wait, having taken little";
                data_may_follow_the_handshake_at_once:
                    "both sides write as soon as their handshake is done";
                futures_streams_carry_it_too:
                    "futures' I/O traits carry it too";
                sockets_carry_it_too:
                    "loopback sockets carry it too";
            }
            close {
                the_client_closes_first:
                    "the client closes first, then the server";
                the_server_closes_first:
                    "the server closes first, then the client";
                both_close_at_once:
                    "both close at once";
                what_was_written_before_closing_arrives:
                    "what was written before closing arrives before the end";
                closing_ends_one_direction_only:
                    "after one side has closed, the other may go on writing";
                writing_after_closing_is_an_error:
                    "a write after closing is an error";
                closing_twice_sends_one_close_notify:
                    "closing twice sends one close_notify";
                the_end_stays_the_end:
                    "after the end every read is at the end";
                a_cut_between_records_is_an_error:
                    "a byte stream that ends without close_notify is UnexpectedEof";
                a_cut_within_a_record_is_an_error:
                    "a byte stream that ends within a record is UnexpectedEof";
                data_before_a_cut_is_delivered:
                    "data before a cut is delivered";
                an_answer_is_read_though_the_request_cannot_be_finished:
                    "an answer is read though the request can no longer be written";
                a_handshake_that_is_cut_is_an_error_on_both_sides:
                    "a handshake that is cut anywhere is UnexpectedEof";
                a_failed_handshake_gives_the_byte_stream_back:
                    "a failed handshake gives the byte stream back";
            }
            cancellation {
                a_cancelled_write_doubles_nothing:
                    "writes cancelled at every await lose and double nothing";
                a_cancelled_flush_loses_nothing:
                    "flushes cancelled at every await lose nothing";
                a_cancelled_read_loses_nothing:
                    "reads cancelled at every await lose nothing";
                everything_cancelled_again_and_again_still_arrives:
                    "writes, flushes, reads and closes cancelled together lose and double nothing";
                a_client_cancelled_at_any_await_ends_the_server:
                    "a client's handshake cancelled at any await ends the server's with an error";
                a_server_cancelled_at_any_await_ends_the_client:
                    "a server's handshake cancelled at any await ends the client's with an error";
            }
            faults {
                a_flip_anywhere_in_a_handshake:
                    "a bit flipped at each offset of a handshake: no panic, no hang, no wrong data";
                a_byte_lost_anywhere_in_a_handshake:
                    "a byte dropped at each offset of a handshake: no panic, no hang, no wrong data";
                a_byte_doubled_anywhere_in_a_handshake:
                    "a byte doubled at each offset of a handshake: no panic, no hang, no wrong data";
                a_flip_anywhere_in_a_resumed_handshake:
                    "a bit flipped at each offset of a resumed handshake: no panic, no hang, no wrong data";
                a_flip_anywhere_in_the_first_records:
                    "a bit flipped at each offset of the first records: no data from there on";
                a_byte_lost_anywhere_in_the_first_records:
                    "a byte dropped at each offset of the first records: no data from there on";
                a_byte_doubled_anywhere_in_the_first_records:
                    "a byte doubled at each offset of the first records: no data from there on";
                a_corrupt_record_is_told_to_its_sender:
                    "a corrupt record is BadRecord, and its sender is told by bad_record_mac";
                a_record_that_comes_twice_is_refused:
                    "a record that comes twice ends the data";
                a_record_that_is_missing_is_noticed:
                    "a record that is missing ends the data";
                records_that_change_places_are_refused:
                    "records that change places end the data";
                a_record_sent_back_to_its_sender_is_refused:
                    "a record sent back to its sender is refused";
            }
            strangers {
                plaintext_http_at_a_server:
                    "plaintext HTTP at a server is an error at once";
                a_plaintext_answer_at_a_client:
                    "a plaintext answer at a client is an error at once";
                garbage_at_a_server:
                    "garbage at a server is an error";
                garbage_at_a_client:
                    "garbage at a client is an error";
                silence_is_waited_for_without_spinning:
                    "a silent peer is waited for without spinning";
                an_endless_handshake_message_is_refused:
                    "a hello that claims 16 MiB is refused before a megabyte has come";
                an_alert_instead_of_a_hello_is_reported:
                    "an alert instead of a hello is reported as the alert it is";
                a_byte_stream_that_fails_is_an_io_error:
                    "a byte stream that fails is an Io error with its kind";
            }
            limits {
                a_silent_server_is_left_at_the_time_limit:
                    "a client leaves a silent server at its time limit";
                a_silent_client_is_left_at_the_time_limit:
                    "a server leaves a silent client at its time limit";
                a_peer_that_drips_gains_no_time:
                    "a peer that sends a byte a second gains no time";
                ten_seconds_are_the_limit_unless_set:
                    "the limit is ten seconds unless set";
                the_limit_ends_with_the_handshake:
                    "the limit does not touch an established connection";
                without_a_limit_a_handshake_waits:
                    "without a limit a handshake waits";
                futures_streams_have_the_limit_too:
                    "futures' streams have the limit too";
            }
            capabilities {
                a_client_takes_what_it_declares_and_refuses_the_rest:
                    "as a client, every option is taken if declared, else Unsupported";
                a_server_takes_what_it_declares_and_refuses_the_rest:
                    "as a server, every option is taken if declared, else Unsupported";
                what_makes_no_sense_anywhere_is_invalid:
                    "what makes no sense anywhere is Invalid, and the option is named";
                what_is_declared_makes_sense:
                    "what is declared fits together";
                a_verifier_alone_is_given_or_refused_as_declared:
                    "a verifier on its own is given if declared, else Unsupported";
                record_ciphers_are_given_or_refused_as_declared:
                    "a record cipher is given if declared, else Unsupported";
                record_ciphers_of_both_understand_each_other:
                    "both backends' record ciphers understand each other and notice every change";
                backends_side_by_side_do_not_disturb_each_other:
                    "both backends in both roles at once in one process";
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __table {
    ($($area:ident { $($name:ident: $what:literal;)* })*) => {
        /// Every behaviour, by area.
        pub const BEHAVIOURS: &[Behaviour] = &[
            $($(Behaviour {
                name: stringify!($name),
                area: stringify!($area),
                what: $what,
                run: |pair| Box::pin($crate::$area::$name(pair)),
            },)*)*
        ];
    };
}

crate::__each_behaviour!(__table);
