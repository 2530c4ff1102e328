let line = document.querySelector("#ships");
if (line === null) {
  line = document.body.appendChild(document.createElement("p"));
  line.id = "ships";
}
line.textContent = "Ships in harbour: 2";
import.meta.hot?.accept();
