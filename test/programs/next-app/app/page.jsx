"use client";

export default function Page() {
  return <p id="ships">Ships in harbour: 2</p>;
}
