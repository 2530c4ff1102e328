/**
 * @module HPACK against the examples of RFC 7541 Appendix C, and against blocks that break its rules.
 */
import { describe, expect, test } from "vitest";
import { fromHex } from "../../test/support/replay.ts";
import { decodeHuffman, encodeFields, HpackDecoder, type HeaderField } from "./hpack.ts";

const request1: HeaderField[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
];
const request2: HeaderField[] = [...request1, ["cache-control", "no-cache"]];
const request3: HeaderField[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/index.html"],
  [":authority", "www.example.com"],
  ["custom-key", "custom-value"],
];
const response = (status: string, date: string): HeaderField[] => [
  [":status", status],
  ["cache-control", "private"],
  ["date", date],
  ["location", "https://www.example.com"],
];
const response3: HeaderField[] = [
  [":status", "200"],
  ["cache-control", "private"],
  ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
  ["location", "https://www.example.com"],
  ["content-encoding", "gzip"],
  ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
];
const responses = [
  response("302", "Mon, 21 Oct 2013 20:13:21 GMT"),
  response("307", "Mon, 21 Oct 2013 20:13:21 GMT"),
  response3,
];

const appendixC: [section: string, tableSize: number, blocks: [hex: string, fields: HeaderField[], used: number][]][] =
  [
    [
      "C.2.1 literal with indexing",
      4096,
      [["400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", [["custom-key", "custom-header"]], 55]],
    ],
    ["C.2.2 literal without indexing", 4096, [["040c 2f73 616d 706c 652f 7061 7468", [[":path", "/sample/path"]], 0]]],
    [
      "C.2.3 literal never indexed",
      4096,
      [["1008 7061 7373 776f 7264 0673 6563 7265 74", [["password", "secret"]], 0]],
    ],
    ["C.2.4 indexed", 4096, [["82", [[":method", "GET"]], 0]]],
    [
      "C.3 requests without Huffman",
      4096,
      [
        ["8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", request1, 57],
        ["8286 84be 5808 6e6f 2d63 6163 6865", request2, 110],
        ["8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", request3, 164],
      ],
    ],
    [
      "C.4 requests with Huffman",
      4096,
      [
        ["8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", request1, 57],
        ["8286 84be 5886 a8eb 1064 9cbf", request2, 110],
        ["8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", request3, 164],
      ],
    ],
    [
      "C.5 responses without Huffman, table of 256",
      256,
      [
        [
          "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
          responses[0]!,
          222,
        ],
        ["4803 3330 37c1 c0bf", responses[1]!, 222],
        [
          "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
          responses[2]!,
          215,
        ],
      ],
    ],
    [
      "C.6 responses with Huffman, table of 256",
      256,
      [
        [
          "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
          responses[0]!,
          222,
        ],
        ["4883 640e ffc1 c0bf", responses[1]!, 222],
        [
          "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
          responses[2]!,
          215,
        ],
      ],
    ],
  ];

describe("RFC 7541 Appendix C", () => {
  test.each(appendixC)("%s", (_section, tableSize, blocks) => {
    const decoder = new HpackDecoder(tableSize);
    for (const [hex, fields, used] of blocks) {
      expect(decoder.decode(fromHex(hex))).toEqual(fields);
      expect(decoder.used).toBe(used);
    }
  });
});

test("what is encoded is decoded again, long texts too", () => {
  for (const length of [0, 1, 126, 127, 128, 254, 255, 300, 16_000]) {
    const fields: HeaderField[] = [
      ["x-name", "v".repeat(length)],
      [":path", "/\u00FF"],
    ];
    expect(new HpackDecoder().decode(encodeFields(fields))).toEqual(fields);
  }
});

test("blocks that break a rule are refused", () => {
  const broken: [string, string][] = [
    ["index 0", "80"],
    ["an index behind both tables", "be"],
    ["a name behind both tables", "7f00 0161"],
    ["an integer without end", "ffff ffff ffff ffff ffff"],
    ["an integer that stops", "ff80"],
    ["a string that stops", "0003 6162"],
    ["no value", "0001 61"],
    ["a table larger than allowed", "3fe2 1f"],
    ["a new table size after a field", "8220"],
    ["padding of zeros", "0001 6181 00"],
    ["padding of eight ones", "0001 6182 1fff"],
    ["end of string", "0001 6184 ffff ffff"],
  ];
  for (const [what, hex] of broken) expect(new HpackDecoder().decode(fromHex(hex)), what).toBeNull();
  expect(new HpackDecoder().decode(fromHex("20 3fe1 1f 82"))).toEqual([[":method", "GET"]]);
});

test("a small block cannot grow without bounds", () => {
  const decoder = new HpackDecoder();
  const long = encodeFields([["n", "v".repeat(3000)]]);
  long[0] = 0x40;
  expect(decoder.decode(long)).toHaveLength(1);
  expect(decoder.decode(new Uint8Array(100).fill(0xbe))).toBeNull();
  expect(decoder.decode(new Uint8Array(1000).fill(0x82))).toBeNull();
  expect(decoder.used).toBeLessThanOrEqual(4096);
});

test("random blocks never throw", () => {
  let state = 5;
  const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24;
  for (let round = 0; round < 5000; round++) {
    const bytes = Uint8Array.from({ length: random() % 64 }, random);
    const fields = new HpackDecoder(random()).decode(bytes);
    expect(fields === null || Array.isArray(fields)).toBe(true);
    const text = decodeHuffman(bytes);
    if (text !== null) expect(text.length).toBeLessThanOrEqual((bytes.length * 8) / 5);
  }
});
