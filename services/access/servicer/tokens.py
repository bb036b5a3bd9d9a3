"""Tokens and the keys that sign them."""

from joserfc.jwk import OKPKey

from access.servicer.desk import Context, Methods
from access.wire import entry, names
from multiflux.access.v1 import access_service_pb2 as pb
from runtime.changes import Transaction
from wire.instants import instant_to_proto


class TokenMethods(Methods):
    """Tokens and keys."""

    async def ExchangeToken(self, request: pb.ExchangeTokenRequest, context: Context) -> pb.ExchangeTokenResponse:
        """Exchange a credential for an internal token."""
        del context
        exchange, purpose = self._tools.exchange, entry.purpose_from_proto(request)
        match request.WhichOneof("credential"):
            case "subject_token":
                exchanged = await exchange.of_subject(request.subject_token, entry.asked_territory(request), purpose)
            case "refresh_token":
                exchanged = await exchange.of_refresh(request.refresh_token, entry.asked_territory(request), purpose)
            case "service":
                service, territory = entry.service_from_proto(request.service), entry.optional_territory(request)
                exchanged = exchange.of_service(service, request.service.secret, territory, purpose)
            case None:
                raise entry.CredentialMissing("an exchange needs a credential")
        return entry.exchanged_to_proto(exchanged)

    async def GetSigningKeys(self, request: pb.GetSigningKeysRequest, context: Context) -> pb.GetSigningKeysResponse:
        """Return the public keys that verify internal tokens."""
        del request, context
        return pb.GetSigningKeysResponse(jwks_json=self._tools.keys.jwks_json())

    async def SignInLocally(self, request: pb.SignInLocallyRequest, context: Context) -> pb.SignInLocallyResponse:
        """Sign in as a demo person."""
        exchange, service = self._tools.exchange, entry.service_from_proto(request.service)
        token = await exchange.sign_in_locally(
            names.person_from_proto(request.person, "person"),
            names.territory_from_proto(request.territory, "territory"),
            from_inside=entry.is_on_this_machine(context.peer()) or exchange.is_service(service, request.service.secret),
        )
        return pb.SignInLocallyResponse(subject_token=token)

    async def SignOut(self, request: pb.SignOutRequest, context: Context) -> pb.SignOutResponse:
        """End the caller's session."""
        del context
        await self._tools.exchange.sign_out(request.refresh_token)
        return pb.SignOutResponse()

    async def RotateSigningKey(self, request: pb.RotateSigningKeyRequest, context: Context) -> pb.RotateSigningKeyResponse:
        """Make a new signing key."""
        del context
        async with self._tools.keys.proposed() as key:
            return await self._tools.changes(request, lambda transaction: self._rotated(transaction, key), pb.RotateSigningKeyResponse)

    def _rotated(self, transaction: Transaction, key: OKPKey) -> pb.RotateSigningKeyResponse:
        until = self._tools.keys.rotate(transaction.connection, key, transaction.at)
        return pb.RotateSigningKeyResponse(key_id=key.kid or "", former_key_expire_time=instant_to_proto(until))
