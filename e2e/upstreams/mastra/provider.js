// Who is calling a Mastra server, as kinde-authz tells it behind Envoy.
import {getRequestHeader, MastraAuthProvider} from "@mastra/core/server";

// Every caller has threads of their own, machines too, and no organization sees another's.
// An organization's code has no slash in it.
const resourceOf = (user) => `${user.org ?? ""}/${user.id}`;

export class KindeAuthProvider extends MastraAuthProvider {
  // verify is what identityVerifier returns; options are those of MastraAuthProvider.
  constructor(verify, options = {}) {
    // The base class overwrites a method of this name. Without one, a client could name
    // whose threads it wants.
    super({name: "kinde-authz", ...options, mapUserToResourceId: options.mapUserToResourceId ?? resourceOf});
    this.verify = verify;
  }

  // Mastra calls it with an empty token where there is none: the headers decide.
  async authenticateToken(_token, request) {
    try {
      const identity = await this.verify((name) => getRequestHeader(request, name));
      return {...identity, id: identity.user ?? `client:${identity.client}`};
    } catch {
      return null;
    }
  }

  // What the caller may do here was decided by the policies of kinde-authz.
  authorizeUser(user) {
    return Boolean(user?.id);
  }
}
