/**
 * @module Certificates as RFC 5280 has them, put together of the library's parts and signed by Node.
 */
import { createHash, randomBytes, sign, type KeyObject } from "node:crypto";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  NameConstraints,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
} from "@peculiar/asn1-x509";

/** From when until when, milliseconds since the Unix epoch. */
export interface ValidityMs {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Object identifiers: ecdsa-with-SHA256 (RFC 5758, section 3.2), commonName, serialNumber, organizationName (X.520). */
const ecdsaWithSha256 = "1.2.840.10045.4.3.2";
const attributes = { commonName: "2.5.4.3", serialNumber: "2.5.4.5", organization: "2.5.4.10" } as const;

/** Longest common name (RFC 5280, appendix A.1: ub-common-name), characters. */
const longestCommonName = 64;

/**
 * A certificate of an authority, signed by itself.
 * @param options.serialNumber tells it from an earlier one of the same name: NSS keeps certificates of one subject under one nickname
 * @param options.names DNS names that it may vouch for, with all below
 * @returns DER
 */
export function buildAuthority(options: {
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  readonly commonName: string;
  readonly serialNumber: string;
  readonly names: readonly string[];
  readonly validity: ValidityMs;
}): Buffer {
  const { keys, names, validity } = options;
  const subject = nameOf([
    [attributes.organization, new AttributeValue({ utf8String: "Portolan" })],
    [attributes.commonName, new AttributeValue({ utf8String: options.commonName.slice(0, longestCommonName) })],
    [attributes.serialNumber, new AttributeValue({ printableString: options.serialNumber })],
  ]);
  const key = publicKeyInfo(keys.publicKey);
  return signCertificate(keys.privateKey, { subject, issuer: subject, key, validity }, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
    // For servers alone: no programs, no mail, no users.
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(id_ce_nameConstraints, constraintsFor(names), true),
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(key))),
  ]);
}

/**
 * RFC 5280, section 4.2.1.10: as soon as something of a type is permitted, everything else of that type is forbidden. So permitting the
 * loopback addresses excludes every other address of either family; excluding ranges as well could only contradict it, as what is
 * excluded stays so whatever is permitted. The same for addresses of mail and for URIs, of which nothing beyond this machine is permitted.
 */
function constraintsFor(names: readonly string[]): NameConstraints {
  const permitted = [
    ...names.map((dNSName) => new GeneralName({ dNSName })),
    new GeneralName({ iPAddress: "127.0.0.0/8" }),
    new GeneralName({ iPAddress: "::1/128" }),
    new GeneralName({ rfc822Name: "localhost" }),
    new GeneralName({ uniformResourceIdentifier: "localhost" }),
  ];
  return new NameConstraints({
    permittedSubtrees: new GeneralSubtrees(permitted.map((base) => new GeneralSubtree({ base }))),
  });
}

/**
 * A server's certificate.
 * @param options.names DNS names, the exact ones
 * @param options.addresses IP addresses
 * @returns DER
 */
export function buildLeaf(options: {
  readonly authority: { readonly certificate: Uint8Array; readonly privateKey: KeyObject };
  readonly publicKey: KeyObject;
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly validity: ValidityMs;
}): Buffer {
  const { authority, names, addresses, validity } = options;
  const { tbsCertificate: issuer } = AsnConvert.parse(authority.certificate, Certificate);
  const key = publicKeyInfo(options.publicKey);
  // No common name: clients read the alternative names alone (RFC 9525, section 2), and old ones would hold a name here against the constraints.
  const subject = nameOf([[attributes.organization, new AttributeValue({ utf8String: "Portolan local certificate" })]]);
  return signCertificate(authority.privateKey, { subject, issuer: issuer.subject, key, validity }, [
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
    extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
    extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
    extension(
      id_ce_subjectAltName,
      new SubjectAlternativeName([
        ...names.map((dNSName) => new GeneralName({ dNSName })),
        ...addresses.map((iPAddress) => new GeneralName({ iPAddress })),
      ]),
    ),
    extension(
      id_ce_authorityKeyIdentifier,
      new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(issuer.subjectPublicKeyInfo)) }),
    ),
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(key))),
  ]);
}

/** DER as PEM (RFC 7468). */
export function certificatePem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function signCertificate(
  privateKey: KeyObject,
  facts: {
    readonly subject: Name;
    readonly issuer: Name;
    readonly key: SubjectPublicKeyInfo;
    readonly validity: ValidityMs;
  },
  extensions: readonly Extension[],
): Buffer {
  const signature = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 });
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: randomSerial(),
    signature,
    issuer: facts.issuer,
    validity: new Validity({
      notBefore: new Date(facts.validity.notBeforeMs),
      notAfter: new Date(facts.validity.notAfterMs),
    }),
    subject: facts.subject,
    subjectPublicKeyInfo: facts.key,
    extensions: new Extensions([...extensions]),
  });
  const signatureValue = arrayBufferOf(
    sign("sha256", Buffer.from(AsnConvert.serialize(tbsCertificate)), { key: privateKey, dsaEncoding: "der" }),
  );
  return Buffer.from(
    AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm: signature, signatureValue })),
  );
}

function extension(extnID: string, value: object, critical = false): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function nameOf(parts: readonly (readonly [type: string, value: AttributeValue])[]): Name {
  return new Name(
    parts.map(([type, value]) => new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })])),
  );
}

function publicKeyInfo(key: KeyObject): SubjectPublicKeyInfo {
  return AsnConvert.parse(key.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo);
}

/** RFC 7093, section 2, method 1: the first 160 bits of the SHA-256 of the key. */
function keyIdentifier({ subjectPublicKey }: SubjectPublicKeyInfo): ArrayBuffer {
  return arrayBufferOf(createHash("sha256").update(Buffer.from(subjectPublicKey)).digest().subarray(0, 20));
}

/** Positive, and at most 20 bytes (RFC 5280, section 4.1.2.2). */
function randomSerial(): ArrayBuffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return arrayBufferOf(bytes);
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
