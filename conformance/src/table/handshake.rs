//! What handshakes agree on, and whom they trust.

#[doc(hidden)]
#[macro_export]
macro_rules! __handshake_behaviours {
    ($callback:ident { $($before:tt)* }) => {
        $crate::__hooks_behaviours! { $callback {
            $($before)*
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
                an_authoritys_own_is_refused:
                    "an authority's own certificate from a server is CaUsedAsEndEntity";
                a_name_outside_an_issuers_constraints_is_refused:
                    "a name outside an issuer's constraints is NameConstraintViolated";
                a_path_longer_than_an_issuer_allows_is_refused:
                    "a path longer than an issuer allows is PathLengthExceeded";
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
                a_client_that_the_server_cannot_take_presents_nothing:
                    "a client whose key signs with no scheme of the server's presents no certificate";
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
            client_hello {
                a_configuration_is_chosen_by_the_server_name:
                    "a server chooses its configuration by the name in the hello";
                a_configuration_is_chosen_by_the_protocols_on_offer:
                    "a server chooses its configuration by the protocols on offer";
                a_configuration_is_chosen_by_the_versions_on_offer:
                    "a server chooses its configuration by the versions on offer";
                a_backend_is_chosen_too:
                    "one listener serves two backends, chosen by the hello";
                a_hello_may_come_byte_by_byte:
                    "a hello may come byte by byte";
                a_hello_may_fill_many_records:
                    "a hello of 25 KB, in several records, is read and goes on";
                nothing_is_sent_while_the_server_chooses:
                    "while the server chooses, nothing is sent, and no side is done";
                the_hello_agrees_with_what_is_negotiated:
                    "what is negotiated was on offer in the hello, and its bytes are counted";
                a_client_has_one_fingerprint:
                    "a client has the same JA4 fingerprint at every name";
                sessions_are_resumed_behind_a_choice:
                    "sessions are resumed where the server chooses by the hello";
                a_second_hello_goes_to_the_chosen_server:
                    "after the choice, a HelloRetryRequest finds the server's group";
                a_rejection_reaches_the_client:
                    "a client rejected by its hello is told with the alert of the server's choice";
                a_refused_hello_is_answered_with_its_alert:
                    "a hello that is none, or too long, is refused, and the client is told";
                garbage_gives_the_byte_stream_back:
                    "garbage instead of a hello is refused, and the byte stream given back";
                a_silent_client_is_left_at_the_time_limit:
                    "a client that does not finish its hello is left at the time limit";
                the_time_to_choose_is_no_part_of_any_limit:
                    "the time to choose counts for no limit; the acceptor's begins with the handshake";
                a_connection_is_passed_on_unopened:
                    "a connection is passed on to another server as it is";
                futures_streams_are_chosen_for_too:
                    "futures' streams: a server chooses by the hello, and rejects";
            }
            key_log {
                both_sides_log_the_same_traffic_secrets:
                    "TLS 1.3: both sides log the same four traffic secrets";
                both_sides_log_the_same_master_secret:
                    "TLS 1.2: both sides log the same master secret";
                each_configuration_logs_its_own_connections_only:
                    "a key log is told of its own configuration's connections only";
            }
            configuration {
                a_client_offers_its_groups_in_order:
                    "a client offers its groups in its order, and a key share of the first";
                the_clients_first_group_is_taken_where_the_server_has_it:
                    "where both sides have one order of groups, its first is chosen";
                a_share_that_the_server_takes_needs_no_second_hello:
                    "a group whose share the client sent is chosen, whatever the server's order";
                unset_lists_are_the_documented_ones:
                    "unset, groups and signature schemes are the documented lists in their order";
                a_post_quantum_group_is_negotiated:
                    "X25519MLKEM768 is chosen where both have it, and another where the server has not";
                a_client_offers_its_schemes_in_order:
                    "a client offers its signature schemes in its order";
                a_server_signs_with_whatever_scheme_is_accepted:
                    "an RSA key signs with whichever of its schemes the client accepts";
                a_server_that_sends_too_much_is_refused:
                    "a server's handshake beyond the client's limit on its size is LimitExceeded";
                a_client_that_sends_too_much_is_refused:
                    "a client's handshake beyond the server's limit on its size is LimitExceeded";
                a_client_keeps_to_its_size_of_records:
                    "no record of a client's carries more than is set, and data fills them";
                a_server_keeps_to_its_size_of_records:
                    "no record of a server's carries more than is set, and data fills them";
                small_records_come_first_unless_full_ones_are_asked_for:
                    "the first 40 records each fit a segment of TCP, unless every record is to be full";
                no_roots_trust_nobody:
                    "a client without roots refuses every server";
                no_roots_trust_no_client:
                    "a server without roots for clients refuses every client";
                a_client_with_no_roots_and_a_verifier_asks_the_verifier:
                    "a client without roots believes its verifier";
                a_verifier_with_no_roots_trusts_nobody:
                    "a verifier on its own without roots refuses every server";
                what_is_unset_has_its_documented_value:
                    "what is unset has its documented value";
                a_clients_contradictions_are_errors:
                    "a client's options that contradict themselves or one another are Invalid";
                a_servers_contradictions_are_errors:
                    "a server's options that contradict themselves or one another are Invalid";
            }
            identities {
                an_exact_name_has_its_identity:
                    "a server presents the identity that is for the name asked for";
                a_wildcard_has_the_names_one_label_below:
                    "an identity for a wildcard is for names one label below, and no others";
                an_exact_name_wins_over_a_wildcard:
                    "an identity for the exact name wins over one for a wildcard";
                other_names_and_no_name_have_the_default:
                    "other names, and no name, have the default identity";
                each_name_may_have_a_key_of_another_kind:
                    "each name's identity may have a key of another kind";
                a_session_goes_with_the_name_it_was_made_for:
                    "a resumed connection shows the identity of its own name";
                a_resolver_chooses_from_the_hello:
                    "a resolver sees the hello, and presents what it chooses";
                a_resolver_may_have_another_identity_each_time:
                    "a resolver may have a new identity for each client";
                a_resolver_that_has_nothing_leaves_it_to_the_default:
                    "where a resolver has nothing, the default identity is presented";
                a_client_that_nobody_is_there_for_is_refused:
                    "without any identity the client is told unrecognized_name";
                a_resolver_that_fails_ends_the_handshake:
                    "a resolver that fails ends the handshake with internal_error";
                a_server_sends_nothing_before_a_slow_resolver_answers:
                    "while a resolver thinks, the server sends nothing";
                a_handshake_dropped_at_its_resolver_ends_the_clients:
                    "a handshake that is dropped at its resolver ends the client's";
            }
            revocation {
                a_server_that_no_list_revokes_is_accepted:
                    "a server's chain that no revocation list names is accepted";
                a_revoked_server_is_refused:
                    "a revoked server is Revoked, and is told";
                a_server_below_a_revoked_intermediate_is_refused:
                    "a server below a revoked intermediate is Revoked, and is told";
                a_server_whose_issuer_has_no_list_is_refused:
                    "a server whose issuer has no list is RevocationUnknown";
                a_server_whose_intermediates_issuer_has_no_list_is_refused:
                    "a server below an intermediate whose issuer has no list is RevocationUnknown";
                an_outdated_list_says_nothing:
                    "under an outdated list a server is RevocationUnknown";
                a_list_signed_by_another_says_nothing:
                    "under a list that another signed a server is RevocationUnknown";
                a_client_that_no_list_revokes_is_accepted:
                    "a client's chain that no revocation list names is accepted";
                a_revoked_client_is_refused:
                    "a revoked client is Revoked, and is told";
                a_client_below_a_revoked_intermediate_is_refused:
                    "a client below a revoked intermediate is Revoked, and is told";
                a_client_whose_issuer_has_no_list_is_refused:
                    "a client whose issuer has no list is RevocationUnknown";
                an_outdated_list_of_clients_says_nothing:
                    "under an outdated list a client is RevocationUnknown";
                a_list_of_clients_signed_by_another_says_nothing:
                    "under a list that another signed a client is RevocationUnknown";
                a_verifier_on_its_own_goes_by_its_lists:
                    "a verifier on its own goes by its revocation lists as the handshake does";
                the_modes_differ_in_what_silence_means:
                    "off, soft-fail and hard-fail differ in what becomes of what is not known, and of what is revoked";
                lists_are_read_from_a_directory:
                    "revocation lists from a directory are held against a server's chain";
                what_is_no_list_is_an_error_of_configuration:
                    "what is no revocation list is an error of configuration";
            }
            staples {
                a_response_is_presented_and_reported:
                    "an OCSP response is presented as it is, and reported by the client";
                without_a_response_none_is_reported:
                    "where the server has no OCSP response, none is reported";
                a_response_goes_with_its_identity:
                    "an OCSP response goes with the identity that it is for";
                what_is_no_response_is_an_error_of_configuration:
                    "what is no OCSP response is an error of configuration";
                a_verifier_sees_the_response:
                    "the application's verifier sees the OCSP response";
                a_good_response_is_all_that_a_leaf_needs:
                    "under hard-fail a good OCSP response of the issuer's, or of its responder's, is enough for a leaf";
                by_default_a_revoked_server_is_refused_by_its_response:
                    "by default a server is Revoked by its own OCSP response, where the client can check it";
                a_revoked_server_is_refused_in_both_modes:
                    "a server whose OCSP response says so is Revoked under soft-fail and hard-fail, and is told";
                a_response_that_does_not_count_says_nothing:
                    "an OCSP response that is outdated, another's, badly signed or by no responder says nothing";
                must_staple_needs_a_good_response:
                    "a must-staple certificate needs a good OCSP response, else it is RevocationUnknown";
                by_default_must_staple_is_honoured:
                    "by default must-staple is honoured, where the client can check it";
            }
            facts {
                a_server_knows_what_it_presented:
                    "a server reports the chain that it presented, resumed or not";
                a_client_knows_what_it_presented:
                    "a client reports the chain that it presented";
                a_client_that_is_not_asked_presented_nothing:
                    "a client that was not asked reports that it presented nothing";
                the_scheme_of_the_peers_signature_is_its_keys:
                    "each side reports the scheme of the peer's signature, as far as its library tells, and none resumed";
                the_verified_path_of_a_server_leads_to_the_root:
                    "a client reports the path on which it believed the server";
                the_verified_path_of_a_client_leads_to_the_root:
                    "a server reports the path on which it believed the client";
                the_verified_path_is_what_the_verifier_says:
                    "under a verifier of the application's, the path is what it says";
            }
        } }
    };
}
