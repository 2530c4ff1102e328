document.body.append("Ships in harbour: 2");
